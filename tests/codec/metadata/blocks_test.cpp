// SPDX-License-Identifier: Apache-2.0
// EXIF, XMP and IPTC, as bytes.
#include <gtest/gtest.h>

#include "codec/metadata/exif.hpp"
#include "codec/metadata/exif_block.hpp"
#include "codec/metadata/iptc.hpp"
#include "codec/metadata/raw_profile.hpp"
#include "codec/metadata/xmp.hpp"

namespace tessera::test {
namespace {

Bytes bytes_of(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

std::string text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool contains(const Bytes& bytes, std::string_view text) {
  return text_of(bytes).find(text) != std::string::npos;
}

// Numbers in one byte order, one behind the other.
class Block {
 public:
  explicit Block(bool big_endian) : big_endian_(big_endian) {}
  Block& add(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      bytes_.push_back(static_cast<std::byte>(value >> (8 * (big_endian_ ? bytes - 1 - i : i))));
    }
    return *this;
  }
  Block& tag(std::uint64_t tag, std::uint64_t type, std::uint64_t count, std::uint64_t value) {
    add(tag, 2).add(type, 2).add(count, 4);
    // Short values stand first in their field.
    return type == 3 && count == 1 ? add(value, 2).add(0, 2) : add(value, 4);
  }
  Block& text(std::string_view text) {
    const Bytes more = bytes_of(text);
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  Block& pad_to(std::size_t size) {
    EXPECT_LE(bytes_.size(), size);
    bytes_.resize(size, std::byte{0});
    return *this;
  }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  bool big_endian_;
  Bytes bytes_;
};

constexpr std::size_t maker_note_at = 200;

// A camera's block: orientation as LONG, a maker note at a fixed place, a place on Earth, and a thumbnail.
Bytes camera_block(bool big_endian) {
  Block block(big_endian);
  block.text(big_endian ? "MM" : "II").add(42, 2).add(8, 4);
  block.add(4, 2)
      .tag(0x010F, 2, 8, 76)   // make
      .tag(0x0112, 4, 1, 6)    // orientation
      .tag(0x8769, 4, 1, 84)   // camera
      .tag(0x8825, 4, 1, 126)  // location
      .add(170, 4);            // the thumbnail's directory
  block.pad_to(76).text(std::string_view("Magenta\0", 8));
  block.add(3, 2).tag(0x927C, 7, 16, maker_note_at).tag(0xA002, 3, 1, 400).tag(0xA003, 4, 1, 240).add(0, 4);
  block.pad_to(126).add(1, 2).tag(0x0002, 5, 3, 144).add(0, 4);
  block.pad_to(144).add(48, 4).add(1, 4).add(51, 4).add(1, 4).add(2933, 4).add(100, 4);
  block.pad_to(170).add(2, 2).tag(0x0201, 4, 1, 216).tag(0x0202, 4, 1, 9).add(0, 4);
  block.pad_to(maker_note_at).text("offsets from here").pad_to(217);
  return block.text("THUMBNAIL").bytes();
}

class Exif : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(BothByteOrders, Exif, ::testing::Bool());

TEST_P(Exif, OrientationIsReadAsLongAndCleared) {
  const Bytes stored = camera_block(GetParam());
  EXPECT_EQ(exif_orientation(stored), 6);
  const CleanExif clean = clean_exif(stored);
  EXPECT_FALSE(clean.damaged);
  EXPECT_EQ(exif_orientation(clean.bytes), 1);
}

TEST_P(Exif, TheThumbnailLeavesNoByteBehind) {
  ASSERT_TRUE(contains(camera_block(GetParam()), "THUMBNAIL"));
  const CleanExif clean = clean_exif(camera_block(GetParam()));
  EXPECT_FALSE(contains(clean.bytes, "THUMBNAIL"));
  EXPECT_TRUE(contains(clean.bytes, "Magenta"));
}

TEST_P(Exif, TheMakerNoteKeepsItsPlace) {
  const Bytes clean = clean_exif(camera_block(GetParam())).bytes;
  EXPECT_EQ(text_of(clean).find("offsets from her"), maker_note_at);
  // Also when others grow.
  const Bytes grown = exif_of_result(clean, {50, 60}, {300, 300, Resolution::Unit::inch}, true);
  EXPECT_EQ(text_of(grown).find("offsets from her"), maker_note_at);
}

TEST_P(Exif, DimensionsAreThoseOfTheResult) {
  const Bytes result = exif_of_result(clean_exif(camera_block(GetParam())).bytes, {50, 70'000}, {}, false);
  const auto block = parse_exif(result);
  ASSERT_TRUE(block);
  EXPECT_EQ(whole_number(*block, find_tag(block->camera, exif_tag::pixel_width)), 50U);
  EXPECT_EQ(whole_number(*block, find_tag(block->camera, exif_tag::pixel_height)), 70'000U);
  EXPECT_EQ(find_tag(block->main, exif_tag::image_width), nullptr);
}

TEST_P(Exif, LocationGoesAndTheRestStays) {
  const auto before = parse_exif(camera_block(GetParam()));
  ASSERT_TRUE(before && before->location.size() == 1);
  const Bytes without = exif_without_location(camera_block(GetParam()));
  const auto block = parse_exif(without);
  ASSERT_TRUE(block);
  EXPECT_TRUE(block->location.empty());
  EXPECT_EQ(block->camera.size(), 3U);
  // Minutes and seconds of the place, as they were stored.
  Block seconds(GetParam());
  seconds.add(2933, 4).add(100, 4);
  EXPECT_TRUE(contains(camera_block(GetParam()), text_of(seconds.bytes())));
  EXPECT_FALSE(contains(without, text_of(seconds.bytes())));
}

TEST_P(Exif, IsFoundBehindWhatSomeFilesPutBeforeIt) {
  const Bytes stored = camera_block(GetParam());
  for (const std::string_view before : {std::string_view("Exif\0\0", 6),
                                        std::string_view("\xFF\xE1\x12\x34"
                                                         "Exif\0\0",
                                                         10),
                                        std::string_view("\0\0\0\6Exif\0\0", 10)}) {
    Bytes with = bytes_of(before);
    with.insert(with.end(), stored.begin(), stored.end());
    EXPECT_EQ(exif_orientation(with), 6);
    EXPECT_EQ(clean_exif(with).bytes, clean_exif(stored).bytes);
  }
}

TEST_P(Exif, ACutBlockIsCleanOrNothing) {
  const Bytes whole = camera_block(GetParam());
  bool damaged = false;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const CleanExif clean = clean_exif({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    EXPECT_EQ(exif_orientation(clean.bytes), 1) << size;
    damaged = damaged || clean.damaged;
  }
  EXPECT_TRUE(damaged);
}

TEST_P(Exif, ManyTagsOnOneValueDoNotGrow) {
  Block block(GetParam());
  block.text(GetParam() ? "MM" : "II").add(42, 2).add(8, 4).add(4000, 2);
  for (std::uint64_t i = 0; i < 4000; ++i) {
    block.tag(0x1000 + i, 7, 40'000, 8);
  }
  const CleanExif clean = clean_exif(block.bytes());
  EXPECT_TRUE(clean.damaged);
  EXPECT_LE(clean.bytes.size(), 2 * block.bytes().size());
}

TEST(ExifResolution, AnEmptyBlockBecomesOneWithTheResolution) {
  const Resolution resolution{254'000, 127'000.5, Resolution::Unit::centimetre};
  EXPECT_EQ(exif_resolution(exif_of_result({}, {1, 1}, resolution, true)), resolution);
  EXPECT_TRUE(exif_of_result({}, {1, 1}, resolution, false).empty());
}

TEST(Xmp, OrientationThumbnailAndDimensionsFollowThePicture) {
  const Bytes xmp = bytes_of(
      "<?xpacket begin='' id='x'?><x:xmpmeta><rdf:RDF><rdf:Description tiff:Orientation=\"6\" "
      "exif:PixelXDimension='400' "
      "b=\"6\"><xmp:Thumbnails><rdf:Alt><rdf:li><xmp:Thumbnails/>OLD</rdf:li></rdf:Alt>"
      "</xmp:Thumbnails><exif:PixelYDimension>240</exif:PixelYDimension><!-- <xmp:Thumbnails> "
      "--></rdf:Description>"
      "</rdf:RDF></x:xmpmeta><?xpacket end='w'?>");
  const auto clean = clean_xmp(xmp);
  ASSERT_TRUE(clean);
  const auto result = xmp_of_result(*clean, {50, 60});
  ASSERT_TRUE(result);
  EXPECT_EQ(text_of(*result),
            "<?xpacket begin='' id='x'?><x:xmpmeta><rdf:RDF><rdf:Description tiff:Orientation=\"1\" "
            "exif:PixelXDimension='50' b=\"6\"><exif:PixelYDimension>60</exif:PixelYDimension><!-- "
            "<xmp:Thumbnails> --></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>");
}

TEST(Xmp, PlacesGo) {
  const auto result = xmp_without_location(
      bytes_of("<d exif:GPSLatitude='48,51.4N' dc:title='t' photoshop:City=\"Paris\"><exif:GPSAltitude>35/1"
               "</exif:GPSAltitude><Iptc4xmpExt:LocationShown><rdf:Bag/></Iptc4xmpExt:LocationShown></d>"));
  ASSERT_TRUE(result);
  EXPECT_EQ(text_of(*result), "<d dc:title='t'></d>");
}

TEST(Xmp, WhatIsNotWellFormedIsNotGuessed) {
  for (const std::string_view text : {"<xmp:Thumbnails>no end", "<a b='", "< tiff:Orientation='6'/>",
                                      "<tiff:Orientation>6", "<!-- no end"}) {
    EXPECT_FALSE(clean_xmp(bytes_of(text))) << text;
  }
  EXPECT_FALSE(clean_xmp(bytes_of(std::string_view("<\0x\0>\0", 6))));
  EXPECT_TRUE(clean_xmp(bytes_of("tiff:Orientation")));
}

// Time must grow with the length of the text, not with its square: this takes hours otherwise.
TEST(Xmp, DeepAndOpenElementsTakeLinearTime) {
  for (const std::string_view piece :
       {"<a>", "<a ", "<xmp:Thumbnails>", "<tiff:Orientation>", "<tiff:Orientation '", "<a b='<a c=\""}) {
    std::string text;
    while (text.size() < std::size_t{8} << 20) {
      text += piece;
    }
    static_cast<void>(clean_xmp(bytes_of(text)));
  }
}

Bytes dataset(int number, std::string_view text) {
  Block block(true);
  block.add(0x1C, 1).add(2, 1).add(static_cast<std::uint64_t>(number), 1).add(text.size(), 2).text(text);
  return block.bytes();
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

TEST(Iptc, IsFoundAmongPhotoshopResourcesOfOddLengths) {
  const Bytes iptc = dataset(25, "magenta");
  Block before(true);
  before.text("8BIM").add(0x03ED, 2).text(std::string_view("\3abc", 4)).add(3, 4).text("xyz").add(0, 1);
  EXPECT_EQ(iptc_from_photoshop(joined({before.bytes(), photoshop_from_iptc(iptc)})), iptc);
  EXPECT_EQ(iptc_from_photoshop(iptc), iptc);
  const Bytes whole = joined({before.bytes(), photoshop_from_iptc(iptc)});
  for (std::size_t size = 0; size + 2 < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_TRUE(iptc_from_photoshop(part).empty()) << size;
  }
}

TEST(Iptc, PlacesGoAndKeywordsStay) {
  const Bytes kept = joined({dataset(25, "magenta"), dataset(120, std::string(300, 'c'))});
  EXPECT_EQ(iptc_without_location(joined({dataset(90, "Paris"), kept, dataset(101, "France")})), kept);
  EXPECT_TRUE(iptc_without_location(joined({kept, bytes_of("something else")})).empty());
}

TEST(RawProfile, IsReadAsItIsWritten) {
  const Bytes bytes = bytes_of(std::string(100, '\xAB') + "end");
  EXPECT_EQ(decode_raw_profile(encode_raw_profile("iptc", bytes)), bytes);
  EXPECT_EQ(raw_profile_name("Raw profile type exif"), "exif");
  EXPECT_FALSE(raw_profile_name("Comment"));
  EXPECT_FALSE(decode_raw_profile("\niptc\n      20\nabcd"));
  EXPECT_FALSE(decode_raw_profile("\niptc"));
}

}  // namespace
}  // namespace tessera::test
