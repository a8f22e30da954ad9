// SPDX-License-Identifier: Apache-2.0
#include "codec/common/reason_in_words.hpp"

#include <array>

namespace tessera {
namespace {

struct Known {
  std::string_view part;  ///< of the library's message
  ReasonInWords reason;
};

constexpr ReasonInWords ends_early{Fault::damage, "it ends too early"};
constexpr ReasonInWords senseless{Fault::damage, "its compressed data make no sense"};
constexpr ReasonInWords bad_header{Fault::damage, "its headers make no sense"};

// The first that fits counts: what is not supported comes before damage, and the particular before the
// general.
constexpr std::array known{
    Known{"Compression scheme", {Fault::unsupported, "its compression is not known"}},
    Known{"compression support is not configured", {Fault::unsupported, "its compression is not known"}},
    Known{"Old-style JPEG", {Fault::unsupported, "it holds JPEG data in the way of old TIFFs"}},
    Known{"OJPEG", {Fault::unsupported, "it holds JPEG data in the way of old TIFFs"}},
    Known{"subsampled images", {Fault::unsupported, "its colour is stored at a lower resolution"}},
    Known{"tiled separate planes", {Fault::unsupported, "its channels are stored apart, in tiles"}},
    Known{"samples_per_pixel not a whole number of bytes",
          {Fault::unsupported, "its pixels are not a whole number of bytes"}},
    Known{"Bogus JPEG colorspace", {Fault::unsupported, "its JPEG data have an unknown kind of colour"}},
    Known{"photometric", {Fault::unsupported, "its kind of colour is not known"}},
    Known{"not 1 bands", {Fault::unsupported, "it has more channels than its kind of colour"}},
    Known{"Unsupported codec", {Fault::unsupported, "its compression is not known"}},
    Known{"Unsupported feature",
          {Fault::unsupported, "it uses a feature that the HEIF library does not know"}},
    Known{"Unsupported file-type",
          {Fault::unsupported, "it is of a kind that the HEIF library does not know"}},
    Known{"Unsupported image type",
          {Fault::unsupported, "it is of a kind that the HEIF library does not know"}},
    Known{"Unsupported color conversion", {Fault::unsupported, "its kind of colour is not known"}},
    Known{"Unsupported essential property",
          {Fault::unsupported, "it has a property that the HEIF library does not know"}},
    Known{"No decoding plugin", {Fault::unsupported, "its compression is not known"}},
    Known{"nsupported", {Fault::unsupported, "it is of a kind that is not supported"}},
    Known{"not supported", {Fault::unsupported, "it is of a kind that is not supported"}},
    Known{"ot implemented", {Fault::unsupported, "it is of a kind that is not supported"}},
    Known{"beyond the", {Fault::limit, "one of its parts takes more memory than is allowed"}},
    Known{"ecurity limit", {Fault::limit, "it passes a limit of the HEIF library"}},
    Known{"No 'meta' box", {Fault::unsupported, "it has no still picture, only a sequence"}},
    Known{"Primary", {Fault::damage, "it does not say which of its pictures is the main one"}},
    Known{"Unexpected end of file", ends_early},
    Known{"End of data", ends_early},
    Known{"end of file", ends_early},
    Known{"End-Of-File", ends_early},
    Known{"Premature", ends_early},
    Known{"remature", ends_early},
    Known{"Read error", ends_early},
    Known{"got ", ends_early},
    Known{"unable to read", ends_early},
    Known{"Can not read", bad_header},
    Known{"Cannot handle", bad_header},
    Known{"bad image dimensions", {Fault::damage, "its picture is of another size than its header says"}},
    Known{"Corrupt JPEG", senseless},
    Known{"JPEG", senseless},
    Known{"Zip", senseless},
    Known{"inflate", senseless},
    Known{"Decoding error", senseless},
    Known{"ecode", senseless},
    Known{"LZW", senseless},
    Known{"ZSTD", senseless},
    Known{"directory", bad_header},
    Known{"Directory", bad_header},
    Known{"strip", bad_header},
    Known{"Strip", bad_header},
    Known{"ile", bad_header},
    Known{"box", bad_header},
    Known{"Invalid", bad_header},
};

}  // namespace

ReasonInWords reason_in_words(std::string_view message) {
  for (const Known& one : known) {
    if (message.find(one.part) != std::string_view::npos) {
      return one.reason;
    }
  }
  return {Fault::damage, "it cannot be decoded"};
}

}  // namespace tessera
