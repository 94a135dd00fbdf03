#include "tenon/format/idx.h"

#include "tests/format/support.h"

namespace tenon {
namespace {

const auto parse = [](auto bytes, auto name) { parse_idx(bytes, name); };

TEST(Idx, KeepsTheDtypesItHas) {
  const TemporaryFolder folder;
  for (const auto& [name, array] : one_of_each_dtype()) {
    const DType dtype = array.dtype();
    if (dtype == DType::boolean || dtype == DType::i64 || size_of(dtype) == 2) {
      EXPECT_EQ(thrown_by([&] { write_idx(folder / name, array); }).code(), ErrorCode::unsupported);
    } else {
      write_idx(folder / name, array);
      EXPECT_EQ(read_idx(folder / name), array) << name;
    }
  }
}

TEST(Idx, WholeNumbersOf16BitsAreReadAsI32) {
  const auto file = [](std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  const auto bytes =
      file(std::string_view("\0\0\x0b\2\0\0\0\2\0\0\0\2"
                            "\0\1\x7f\xff\x80\0\xff\xfe",
                            20));
  EXPECT_EQ(parse_idx(bytes, "a"), Literal::of<int32_t>({2, 2}, {1, 32767, -32768, -2}));
  expect_every_prefix_is_corrupt(bytes, parse);
  expect_every_change_is_survived(bytes, parse);
  EXPECT_EQ(parse_idx(file(std::string_view("\0\0\x0b\1\0\0\0\0", 8)), "a"),
            Literal(DType::i32, {0}));
  auto longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_EQ(thrown_by([&] { parse_idx(longer, "a"); }).message(),
            "a: byte 20: bytes follow the array");
}

TEST(Idx, ReadsGzip) {
  // Written by gzip(1): digits 0 to 5 as u8[2,3].
  EXPECT_EQ(read_idx("tests/golden/format/digits-idx2-ubyte.gz"),
            Literal::of<uint8_t>({2, 3}, {0, 1, 2, 3, 4, 5}));
}

TEST(Idx, ZerosMayFollowGzip) {
  auto bytes = file_bytes("tests/golden/format/digits-idx2-ubyte.gz");
  const auto size = bytes.size();
  bytes.resize(size + 477);
  EXPECT_EQ(parse_idx(bytes, "a.gz"), Literal::of<uint8_t>({2, 3}, {0, 1, 2, 3, 4, 5}));
  bytes.back() = std::byte{1};
  EXPECT_EQ(thrown_by([&] { parse_idx(bytes, "a.gz"); }).message(),
            fmt::format("a.gz: byte {}: bytes follow the end of the compressed data", size));
}

TEST(Idx, EveryPrefixAndEveryChangeIsAnErrorOrAnArray) {
  const TemporaryFolder folder;
  write_idx(folder / "a", Literal::of<int32_t>({2, 2}, {1, -2, 3, 70000}));
  for (const auto& path : {std::filesystem::path(folder / "a"),
                           std::filesystem::path("tests/golden/format/digits-idx2-ubyte.gz")}) {
    const auto bytes = file_bytes(path);
    expect_every_prefix_is_corrupt(bytes, parse);
    expect_every_change_is_survived(bytes, parse);
  }
}

TEST(Idx, DimensionsBeyondTheFileAllocateNothing) {
  std::vector<std::byte> bytes = {std::byte{0}, std::byte{0}, std::byte{8}, std::byte{2}};
  bytes.resize(40, std::byte{0x7f});
  const Error error = thrown_by([&] { parse_idx(bytes, "x-idx2"); });
  EXPECT_EQ(error.code(), ErrorCode::corrupt);
  EXPECT_EQ(error.message(),
            "x-idx2: byte 4: the dimensions promise more than a file of 40 bytes can hold");
}

}  // namespace
}  // namespace tenon
