#include "tenon/format/image.h"

#include "tenon/base/strings.h"
#include "tenon/format/npy.h"
#include "tests/format/support.h"
#include "tests/png_checksums.h"

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

/// What tests/reference/pictures.py had Pillow read: files with their picture in 1 to 4 channels.
struct Picture {
  std::string name;
  std::vector<std::byte> file;
  int channels = 0;                // of its own
  std::vector<Literal> converted;  // [channels - 1]
};

std::vector<Picture> pictures_of_pillow(
    const std::filesystem::path& path = "tests/golden/format/pictures.npz") {
  const NamedLiterals golden = read_npz(path);
  const Literal &table = golden.at("table"), &text = golden.at("names");
  const std::string_view all(reinterpret_cast<const char*>(text.data()), text.bytes());
  const std::byte* file = golden.at("files").data();
  const std::byte* values = golden.at("values").data();
  std::vector<Picture> result;
  int64_t row = 0;
  for (std::string& name : split(all, '\n')) {
    const auto number = [&](int64_t column) { return table.at<int32_t>(row * 4 + column); };
    const int64_t height = number(1), width = number(2);
    Picture picture{std::move(name), {file, file + number(0)}, number(3), {}};
    file += number(0);
    for (int64_t channels = 1; channels <= 4; ++channels) {
      Literal image(DType::u8, {height, width, channels});
      std::copy_n(values, image.bytes(), image.data());
      values += image.bytes();
      picture.converted.push_back(std::move(image));
    }
    result.push_back(std::move(picture));
    ++row;
  }
  return result;
}

void expect_as_pillow(const std::vector<Picture>& pictures) {
  EXPECT_GT(pictures.size(), 200u);
  for (const Picture& picture : pictures) {
    SCOPED_TRACE(picture.name);
    for (int channels = 0; channels <= 4; ++channels) {
      const int wanted = channels == 0 ? picture.channels : channels;
      EXPECT_EQ(parse_image(picture.file, "picture", {.channels = channels}),
                picture.converted[static_cast<size_t>(wanted - 1)])
          << channels << " channels";
    }
  }
}

TEST(Image, EveryKindIsReadAsPillowReadsIt) { expect_as_pillow(pictures_of_pillow()); }

TEST(Image, EveryKindIsReadAsTheInstalledPillowReadsIt) {
  if (peers_python().empty()) GTEST_SKIP() << "no Python tools: see bench/peers/requirements.txt";
  const TemporaryFolder folder;
  ASSERT_TRUE(run_python("pictures.py", (folder / "pictures.npz").string()));
  expect_as_pillow(pictures_of_pillow(folder / "pictures.npz"));
}

TEST(Image, OnePictureIsTheSameInEveryFormat) {
  // 16 bits of grey: as PNG, PGM, plain PGM, and as RGB in PPM and plain PPM.
  std::string grey, plain, colour, plain_colour;
  Literal high(DType::u8, {1, 256, 1});
  for (int value = 0; value < 256; ++value) {
    const int low = value * 151 % 256;  // every low byte with some high one
    const std::string raw = {static_cast<char>(value), static_cast<char>(low)};
    const std::string digits = std::to_string(value * 256 + low) + " ";
    grey += raw;
    plain += digits;
    colour += raw + raw + raw;
    plain_colour += digits + digits + digits;
    high.set_int(value, value);
  }
  for (const std::string& file : {"P5 256 1 65535\n" + grey, "P2 256 1 65535\n" + plain,
                                  "P6 256 1 65535\n" + colour, "P3 256 1 65535\n" + plain_colour}) {
    EXPECT_EQ(parse_image(bytes_of(file), "x", {.channels = 1}), high) << file.substr(0, 2);
  }
}

TEST(Image, WhatFollowsThePictureIsNotLookedAt) {
  auto png = png_bytes(ramp({3, 3}));
  png.resize(png.size() + 7, std::byte{0x55});
  EXPECT_EQ(parse_image(png, "a.png"), ramp({3, 3, 1}));
  for (const char* text : {"P5 2 1 255\nabP5 2 1 255\ncd", "P2 2 1 255\n97 98 and more"}) {
    EXPECT_EQ(parse_image(bytes_of(text), "a.pgm"), Literal::of<uint8_t>({1, 2, 1}, {97, 98}));
  }
}

TEST(Image, SaysWhatIsWrongWithAMap) {
  const auto message = [](const char* text) {
    const auto bytes = bytes_of(text);
    return thrown_by([&] { parse_image(bytes, "x"); }).message();
  };
  EXPECT_EQ(message("P2 2 1 9\n3 10\n"), "x: byte 11: a sample is above 9");
  EXPECT_EQ(message("P5 2 1 9\n\3\12"), "x: byte 10: sample 10 is above the largest value, 9");
  EXPECT_EQ(message("P1 2 1\n1 2\n"), "x: byte 9: expected 0 or 1");
  EXPECT_EQ(message("P4 9 2\nabc"), "x: byte 10: the file ends within an image of 9 x 2");
  EXPECT_EQ(message("P4 0 2\nabc"), "x: byte 3: a width of 0");
  EXPECT_EQ(message("P5 2 2 0\nabcd"), "x: byte 7: the largest value is 0");
  EXPECT_EQ(message("P5 2 2 65536\nabcd"), "x: byte 7: a largest value is above 65535");
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
       {png_bytes(ramp({3, 3, 3})), bytes_of("P5 2 2 255\nabcd"), bytes_of("P2 2 2 9\n1 2 3 4"),
        bytes_of("P4 9 2\nabcd"), bytes_of("P1 2 2\n0110")}) {
    expect_every_prefix_is_corrupt(bytes, parse);
    expect_every_change_is_survived(bytes, parse);
  }
}

TEST(Image, DamageBehindRightChecksumsIsAnErrorOrAnImage) {
  const auto parse = [](auto bytes, auto name) { parse_image(with_right_checksums(bytes), name); };
  size_t last = 0;
  for (const Picture& picture : pictures_of_pillow()) {
    const std::string kind = picture.name.substr(0, picture.name.find(" with "));
    const size_t hash = std::hash<std::string>()(kind);
    if (!picture.name.starts_with("P") && hash != last && picture.file.size() < 300) {
      SCOPED_TRACE(picture.name);
      expect_every_change_is_survived(picture.file, parse);
    }
    last = hash;
  }
}

TEST(Image, SaysWhichChunkOfAPngIsWrong) {
  const auto message = [](std::string_view from, std::string_view to) {
    const auto png = png_bytes(Literal::of<uint8_t>({1, 2}, {9, 200}));
    std::string text(reinterpret_cast<const char*>(png.data()), png.size());
    text.replace(text.find(from), from.size(), to);
    const auto bytes = with_right_checksums(bytes_of(text));
    const Error error = thrown_by([&] { parse_image(bytes, "a.png"); });
    EXPECT_EQ(error.code(), ErrorCode::corrupt);
    return error.message();
  };
  EXPECT_EQ(message("IHDR", "IHdR"),
            "a.png: byte 8: not a valid PNG image: IHdR: unhandled critical chunk");
  EXPECT_EQ(message("IDAT", "IdAT"), "a.png: byte 16: 0 bytes of data cannot be an image of 2 x 1");
  EXPECT_EQ(message(std::string_view("\1\10\0", 3), std::string_view("\1\7\0", 3)),
            "a.png: byte 8: not a valid PNG image: Invalid IHDR data");
}

TEST(Image, OnlyImagesAreWritten) {
  const Error error = thrown_by([] { png_bytes(Literal(DType::f32, {2, 2})); });
  EXPECT_EQ(error.code(), ErrorCode::shape_mismatch);
  EXPECT_EQ(error.message(), "png: f32[2,2] is not an image");
}

}  // namespace
}  // namespace tenon
