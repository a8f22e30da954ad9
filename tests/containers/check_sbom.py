#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_sbom.py FILE LISTING VERSION: the bill of materials in FILE keeps the rules of SPDX 2.3, and is that of the image whose
files LISTING names (tar -tv)."""
import json
import pathlib
import re
import sys

# https://spdx.github.io/spdx-spec/v2.3: what must be there, and how (clauses 6 to 11 and annex D).
DOCUMENT = {"spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo", "packages"}
PACKAGE = {"SPDXID", "name", "downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText", "filesAnalyzed"}
IDENTIFIER = re.compile(r"SPDXRef-[A-Za-z0-9.-]+")
PURL = re.compile(r"pkg:deb/debian/[a-z0-9.%A-F-]+@[^@?\s]+\?arch=(amd64|arm64|all)")
# Those of the SPDX licence list that Debian's packages have; a name beyond them is a slip of the pen until it stands here.
LISTED = set("""Apache-2.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause BSL-1.0 CC0-1.0 curl MIT ISC Zlib MPL-2.0 MPL-1.1 GPL-1.0-only
GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only
LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later GFDL-1.3-only GFDL-1.3-or-later OFL-1.1 PSF-2.0 Unicode-DFS-2016 X11 OpenSSL
Libpng WTFPL AFL-2.1""".split())

failures = []


def expect(holds, text):
    if not holds:
        failures.append(text)


def main():
    path, listing, version = sys.argv[1:]
    document = json.loads(pathlib.Path(path).read_text())
    expect(DOCUMENT <= document.keys(), f"missing in the document: {DOCUMENT - document.keys()}")
    expect(document["spdxVersion"] == "SPDX-2.3" and document["dataLicense"] == "CC0-1.0", "version or licence of the document")
    expect(document["SPDXID"] == "SPDXRef-DOCUMENT", "identifier of the document")
    expect(re.fullmatch(r"https?://[^#\s]+", document["documentNamespace"]), "the namespace is no URI without a fragment")
    expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["creationInfo"]["created"]), "the time is not as SPDX writes it")
    expect(all(re.match(r"(Tool|Organization|Person): .", creator) for creator in document["creationInfo"]["creators"]), "creators")

    packages = {package["SPDXID"]: package for package in document["packages"]}
    expect(len(packages) == len(document["packages"]), "two packages have one identifier")
    extracted = {info["licenseId"]: info for info in document["hasExtractedLicensingInfos"]}
    for reference, info in extracted.items():
        expect(re.fullmatch(r"LicenseRef-[A-Za-z0-9.-]+", reference), f"{reference} is no name of a licence")
        expect(info["extractedText"].strip(), f"{reference} has no text")
    used = set()
    for identifier, package in packages.items():
        expect(IDENTIFIER.fullmatch(identifier), f"{identifier} is no identifier")
        expect(PACKAGE <= package.keys(), f"missing in {identifier}: {PACKAGE - package.keys()}")
        for licence in re.findall(r"[^\s()]+", package["licenseDeclared"]):
            if licence not in ("AND", "OR", "NOASSERTION"):
                used.add(licence)
                expect(licence in LISTED or licence in extracted, f"{identifier}: the licence {licence} is nowhere explained")
        expression = re.sub(r"[^\s()]+", lambda word: word[0] if word[0] in ("AND", "OR") else "L", package["licenseDeclared"])
        while "(" in expression:  # innermost first
            smaller = re.sub(r"\(L( (AND|OR) L)*\)", "L", expression)
            if smaller == expression:
                break
            expression = smaller
        expect(re.fullmatch(r"L( (AND|OR) L)*", expression), f"{identifier}: {package['licenseDeclared']} is no expression")
    expect(set(extracted) <= used, f"explained, but not used: {set(extracted) - used}")

    known = {document["SPDXID"], *packages}
    contained = set()
    for relationship in document["relationships"]:
        ends = {relationship["spdxElementId"], relationship["relatedSpdxElement"]}
        expect(ends <= known, f"a relationship with what is not there: {ends - known}")
        if relationship["relationshipType"] == "CONTAINS":
            contained.add(relationship["relatedSpdxElement"])
    (image,) = document["documentDescribes"]
    expect(contained == set(packages) - {image}, "the image does not contain every package, and nothing else")
    expect(packages[image]["versionInfo"] == version, f"the image's version is {packages[image]['versionInfo']}, not {version}")

    # It is the image's own: every package with a copyright is in it, and all that must be.
    documented = set(re.findall(r" usr/share/doc/([^/\s]+)/copyright$", pathlib.Path(listing).read_text(), re.MULTILINE))
    named = {package["name"]: package for identifier, package in packages.items() if identifier != image}
    expect(documented <= set(named), f"in the image, but not in its bill of materials: {documented - set(named)}")
    expect({"tessera", "libc6", "libcurl4", "libssl3", "ca-certificates"} <= set(named), "packages that cannot be missing")
    for name, package in named.items():
        (reference,) = package["externalRefs"]
        expect(PURL.fullmatch(reference["referenceLocator"]), f"{name}: {reference['referenceLocator']} is no package URL")
        expect(package["versionInfo"], f"{name} has no version")
    told = sum(package["licenseDeclared"] != "NOASSERTION" for package in named.values())
    expect(2 * told > len(named), f"only {told} of {len(named)} packages have a licence")
    if failures:
        sys.exit("\n".join(failures))
    print(f"{pathlib.Path(path).name}: {len(named)} packages, {told} with their licences by name.")


main()
