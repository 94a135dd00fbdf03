#include "tenon/format/image.h"

#include "tests/format/support.h"

namespace tenon {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Literal ramp(std::vector<int64_t> shape) {
  Literal image(DType::u8, std::move(shape));
  auto values = image.values<uint8_t>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<uint8_t>(i * 37);
  return image;
}

TEST(Image, PngKeepsGreyAndColour) {
  const TemporaryFolder folder;
  for (int64_t channels : {1, 3}) {
    const Literal image = ramp({5, 4, channels});
    write_png(folder / "a.png", image);
    EXPECT_EQ(read_image(folder / "a.png"), image) << channels;
  }
  Literal see_through = ramp({5, 4, 4});
  write_png(folder / "b.png", see_through);
  EXPECT_EQ(read_image(folder / "b.png"), see_through);
  write_png(folder / "c.png", ramp({5, 4}));
  EXPECT_EQ(read_image(folder / "c.png"), ramp({5, 4, 1}));
}

TEST(Image, ConvertsChannelsOnRequest) {
  const auto white = bytes_of("P6 1 1 255\n\xff\xff\xff");
  EXPECT_EQ(parse_image(white, "w.ppm", {.channels = 1}), Literal::of<uint8_t>({1, 1, 1}, {255}));
  const auto grey = bytes_of("P5 1 1 255\n\x07");
  EXPECT_EQ(parse_image(grey, "g.pgm", {.channels = 3}),
            Literal::of<uint8_t>({1, 1, 3}, {7, 7, 7}));
  EXPECT_EQ(parse_image(grey, "g.pgm", {.channels = 4}),
            Literal::of<uint8_t>({1, 1, 4}, {7, 7, 7, 255}));
  const auto png = png_bytes(Literal::of<uint8_t>({1, 2}, {9, 200}));
  EXPECT_EQ(parse_image(png, "g.png", {.channels = 3}),
            Literal::of<uint8_t>({1, 2, 3}, {9, 9, 9, 200, 200, 200}));
}

TEST(Image, ReadsPlainAndBinaryMaps) {
  const auto plain = bytes_of("P2\n# made by hand\n3 1\n15\n0 5 15\n");
  EXPECT_EQ(parse_image(plain, "p.pgm"), Literal::of<uint8_t>({1, 3, 1}, {0, 85, 255}));
  const auto wide = bytes_of(std::string_view("P5 2 1 65535\n\x00\x00\xff\xff", 17));
  EXPECT_EQ(parse_image(wide, "w.pgm"), Literal::of<uint8_t>({1, 2, 1}, {0, 255}));
}

TEST(Image, SaysWhereItIsDamaged) {
  auto png = png_bytes(ramp({5, 4}));
  png[20] ^= std::byte{1};  // in the first chunk
  EXPECT_EQ(thrown_by([&] { parse_image(png, "a.png"); }).message(),
            "a.png: byte 8: a damaged chunk: its checksum is wrong");
  const auto pgm = bytes_of("P5 1000000 1000000 255\nabc");
  EXPECT_EQ(thrown_by([&] { parse_image(pgm, "a.pgm"); }).message(),
            "a.pgm: byte 26: the file ends within an image of 1000000 x 1000000");
  const auto text = bytes_of("hello");
  EXPECT_EQ(thrown_by([&] { parse_image(text, "a.txt"); }).message(),
            "a.txt: byte 0: not an image that can be read");
}

TEST(Image, EveryPrefixAndEveryChangeIsAnErrorOrAnImage) {
  const auto parse = [](auto bytes, auto name) { parse_image(bytes, name); };
  for (const auto& bytes :
       {png_bytes(ramp({3, 3, 3})), bytes_of("P5 2 2 255\nabcd"), bytes_of("P2 2 2 9\n1 2 3 4")}) {
    expect_every_prefix_is_corrupt(bytes, parse);
    expect_every_change_is_survived(bytes, parse);
  }
}

TEST(Image, OnlyImagesAreWritten) {
  const Error error = thrown_by([] { png_bytes(Literal(DType::f32, {2, 2})); });
  EXPECT_EQ(error.code(), ErrorCode::shape_mismatch);
  EXPECT_EQ(error.message(), "png: f32[2,2] is not an image");
}

}  // namespace
}  // namespace tenon
