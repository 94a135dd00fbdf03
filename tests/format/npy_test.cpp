#include "tenon/format/npy.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "tenon/format/zip.h"
#include "tests/format/support.h"

namespace tenon {
namespace {

std::vector<std::byte> npy_of(std::string header, std::string_view data, char version = 1) {
  std::string text = "\x93NUMPY";
  text += {version, '\0', static_cast<char>(header.size() & 0xff),
           static_cast<char>(header.size() >> 8)};
  if (version > 1) text += std::string(2, '\0');
  text += header;
  text += data;
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

TEST(Npy, KeepsEveryDtypeBitForBit) {
  const TemporaryFolder folder;
  for (const auto& [name, array] : one_of_each_dtype()) {
    const auto path = folder / (name + ".npy");
    write_npy(path, array);
    EXPECT_EQ(read_npy(path), array) << name;
  }
}

TEST(Npy, WritesTheBytesThatNumpyWrites) {
  const std::vector<std::byte> bytes = npy_bytes(Literal::of<float>({3}, {1, 2, 3}));
  ASSERT_EQ(bytes.size(), 128u + 12u);  // numpy.save pads the header to 128 here
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), 128);
  EXPECT_EQ(text.substr(6, 4), std::string_view("\x01\x00\x76\x00", 4));
  EXPECT_TRUE(
      text.substr(10).starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), } "));
  EXPECT_EQ(text.back(), '\n');
}

TEST(Npy, TurnsFortranOrderAround) {
  const auto bytes =
      npy_of("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", "\1\2\3\4\5\6");
  EXPECT_EQ(parse_npy(bytes, "f.npy"), Literal::of<uint8_t>({2, 3}, {1, 3, 5, 2, 4, 6}));
}

TEST(Npy, TurnsBigEndianAround) {
  const auto bytes = npy_of("{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }",
                            std::string("\0\0\1\0\0\0\0\7", 8));
  EXPECT_EQ(parse_npy(bytes, "b.npy"), Literal::of<int32_t>({2}, {256, 7}));
}

TEST(Npy, ReadsVersionsTwoAndThreeAndKeysInAnyOrder) {
  for (char version : {'\2', '\3'}) {
    const auto bytes =
        npy_of("{\"shape\": (2L,), 'fortran_order':False,'descr':'|i1'}\n", "\1\2", version);
    EXPECT_EQ(parse_npy(bytes, "v.npy"), Literal::of<int8_t>({2}, {1, 2}));
  }
}

TEST(Npy, WholeNumbersThatTenonHasNotAreWidened) {
  const auto read = [](const std::string& descr, const std::string& shape, std::string_view data,
                       const char* order = "False") {
    return parse_npy(npy_of("{'descr': '" + descr + "', 'fortran_order': " + order +
                                ", 'shape': " + shape + ", }",
                            data),
                     "w.npy");
  };
  const std::string_view six("\1\0\2\0\xff\xff\4\0\5\0\6\0", 12);
  EXPECT_EQ(read("<i2", "(6,)", six), Literal::of<int32_t>({6}, {1, 2, -1, 4, 5, 6}));
  EXPECT_EQ(read("<u2", "(2, 3)", six, "True"),
            Literal::of<int32_t>({2, 3}, {1, 65535, 5, 2, 4, 6}));
  EXPECT_EQ(read(">u2", "(1,)", std::string_view("\1\0", 2)), Literal::of<int32_t>({1}, {256}));
  EXPECT_EQ(read("<u4", "(2,)", "\1\1\1\1\xff\xff\xff\xff"),
            Literal::of<int64_t>({2}, {0x01010101, 0xffffffff}));
  EXPECT_EQ(read("<u8", "()", "\1\1\1\1\1\1\1\1"), Literal::of<int64_t>({}, {0x0101010101010101}));
  EXPECT_EQ(read("<i2", "(0, 2)", ""), Literal(DType::i32, {0, 2}));
  const Error error =
      thrown_by([&] { read("<u8", "(2, 1)", "\1\1\1\1\1\1\1\1\xff\xff\xff\xff\xff\xff\xff\xff"); });
  EXPECT_EQ(error.code(), ErrorCode::out_of_range);
  EXPECT_EQ(error.message(), "w.npy: 18446744073709551615 in row 1 is more than i64 can hold");
}

TEST(Npy, NamesTheTypeItCannotRead) {
  const auto bytes =
      npy_of("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "12345678");
  const Error error = thrown_by([&] { parse_npy(bytes, "x.npy"); });
  EXPECT_EQ(error.code(), ErrorCode::unsupported);
  EXPECT_EQ(error.message(), "x.npy: byte 20: element type '<c8' is not supported");
  const auto records =
      npy_of("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "1234");
  EXPECT_EQ(thrown_by([&] { parse_npy(records, "x.npy"); }).code(), ErrorCode::unsupported);
}

TEST(Npy, SaysWhereTheFileIsWrong) {
  const auto message = [](const std::string& header, std::string_view data) {
    const auto bytes = npy_of(header, data);
    const Error error = thrown_by([&] { parse_npy(bytes, "x.npy"); });
    EXPECT_EQ(error.code(), ErrorCode::corrupt);
    return error.message();
  };
  EXPECT_EQ(message("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", "12"),
            "x.npy: byte 69: the file ends within the data (3 bytes from byte 67, 2 there)");
  EXPECT_EQ(message("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", "12"),
            "x.npy: byte 68: 1 bytes follow the array");
  EXPECT_EQ(message("{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }", "\1\2"),
            "x.npy: byte 68: a bool that is neither 0 nor 1");
  EXPECT_EQ(message("{'descr': '|u1', 'fortran_order': False, 'shape': (-1,), }", "1"),
            "x.npy: byte 61: expected a dimension in the shape");
  EXPECT_EQ(message("{'descr': '|u1', 'fortran_order': False, "
                    "'shape': (4611686018427387904, 4611686018427387904, 0)}",
                    ""),
            "x.npy: byte 106: the header's shape overflows 64 bits");
  EXPECT_EQ(message("{'descr': '|u1', 'fortran_order': False}", "1"),
            "x.npy: byte 10: the header lacks one of 'descr', 'fortran_order' and 'shape'");
}

TEST(Npy, SeveralArraysInOneFileAreNotReadAsOne) {
  auto bytes = npy_bytes(Literal::of<float>({2}, {1, 2}));
  const auto second = npy_bytes(Literal::of<float>({1}, {3}));
  bytes.insert(bytes.end(), second.begin(), second.end());
  const Error error = thrown_by([&] { parse_npy(bytes, "x.npy"); });
  EXPECT_EQ(error.message(), "x.npy: byte 136: 132 bytes follow the array");
  EXPECT_NE(std::string(error.what()).find("numpy.savez"), std::string::npos) << error.what();
}

TEST(Npy, EveryPrefixAndEveryChangeIsAnErrorOrAnArray) {
  const auto parse = [](auto bytes, auto name) { parse_npy(bytes, name); };
  const auto bytes = npy_bytes(Literal::of<float>({2, 2}, {1, 2, 3, 4}));
  expect_every_prefix_is_corrupt(bytes, parse);
  expect_every_change_is_survived(bytes, parse);
}

TEST(Npz, KeepsNamesAndArraysCompressedOrNot) {
  const TemporaryFolder folder;
  NamedLiterals arrays = one_of_each_dtype();
  arrays.emplace("encoder.0.weight", Literal(DType::f32, {64, 64}));  // zeros: compresses well
  for (bool compress : {false, true}) {
    write_npz(folder / "a.npz", views_of(arrays), {.compress = compress});
    EXPECT_EQ(read_npz(folder / "a.npz"), arrays);
    EXPECT_EQ(std::filesystem::file_size(folder / "a.npz") < 16384, compress);
  }
}

TEST(Npz, EveryPrefixAndEveryChangeIsAnErrorOrAnArray) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", views_of({{"a", Literal(DType::u8, {40})},
                                        {"b", Literal::of<uint8_t>({3}, {1, 2, 3})}}));
  const auto bytes = file_bytes(folder / "a.npz");
  const auto parse = [](auto content, auto name) { parse_npz(content, name); };
  expect_every_prefix_is_corrupt(bytes, parse);
  expect_every_change_is_survived(bytes, parse);
}

TEST(Npz, DamagedDataFailTheChecksum) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", views_of({{"a", Literal(DType::u8, {8})}}), {.compress = false});
  auto bytes = file_bytes(folder / "a.npz");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  bytes[text.find('\n') + 1] ^= std::byte{1};  // the first element
  const Error error = thrown_by([&] { parse_npz(bytes, "a.npz"); });
  EXPECT_EQ(error.code(), ErrorCode::corrupt);
  EXPECT_NE(error.message().find("'a.npy' is damaged: CRC"), std::string::npos) << error.what();
}

/// An archive with these bytes as its only entry.
std::vector<std::byte> zip_of(std::span<const std::byte> entry, bool compress) {
  std::vector<std::byte> archive;
  ZipWriter zip([&](auto bytes) { archive.insert(archive.end(), bytes.begin(), bytes.end()); });
  zip.add("a.npy", entry, compress);
  zip.finish();
  return archive;
}

TEST(Npz, EntriesAreReadAsFilesAreStoredOrDeflated) {
  Literal large(DType::i32, {300, 1000});  // of several pieces
  for (int64_t i = 0; i < large.size(); ++i) large.set_int(i, i / 7);
  const std::string turned = "{'descr': '>i4', 'fortran_order': True, 'shape': (2, 2), }";
  const std::vector<std::vector<std::byte>> files = {
      npy_bytes(large),
      npy_bytes(Literal(DType::f32, {0, 4})),
      npy_of(turned, std::string("\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4", 16)),
      npy_of("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", "123", 2),
  };
  for (bool compress : {false, true}) {
    for (const auto& file : files) {
      EXPECT_EQ(parse_npz(zip_of(file, compress), "a.npz").at("a"), parse_npy(file, "a.npy"));
    }
    for (const auto& [header, data, wanted] : std::vector<std::array<std::string, 3>>{
             {"{'descr': '|u1', 'fortran_order': False, 'shape': (30,), }", "12",
              "a.npz:a.npy: byte 70: the file ends within the data (30 bytes from byte 68, 2 "
              "there)"},
             {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", "12",
              "a.npz:a.npy: byte 68: 1 bytes follow the array"},
             {"{'descr': '|b1', 'fortran_order': True, 'shape': (2, 1), }", "\1\2",
              "a.npz:a.npy: byte 69: a bool that is neither 0 nor 1"},
             {"{'descr': ", "", "a.npz:a.npy: byte 20: expected a quoted string in the header"}}) {
      const auto archive = zip_of(npy_of(header, data), compress);
      EXPECT_EQ(thrown_by([&] { parse_npz(archive, "a.npz"); }).message(), wanted);
    }
    for (size_t length = 0; length < 12; ++length) {
      const auto archive = zip_of(std::span(files[0]).first(length), compress);
      const Error error = thrown_by([&] { parse_npz(archive, "a.npz"); });
      EXPECT_EQ(error.code(), ErrorCode::corrupt);
      EXPECT_NE(error.message().find("the file ends within"), std::string::npos) << error.what();
    }
  }
}

TEST(Npz, WhatIsNotAskedForMayBeAnything) {
  std::vector<std::byte> archive;
  ZipWriter zip([&](auto bytes) { archive.insert(archive.end(), bytes.begin(), bytes.end()); });
  zip.add("text.npy", npy_of("{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }", "1234"),
          false);
  zip.add("label.npy", npy_bytes(Literal::of<int32_t>({2}, {3, 4})), true);
  zip.finish();
  const NpzFile file(archive, "a.npz");
  EXPECT_EQ(file.names(), (std::vector<std::string>{"label", "text"}));
  EXPECT_EQ(file.read("label"), Literal::of<int32_t>({2}, {3, 4}));
  const Error text = thrown_by([&] { file.read("text"); });
  EXPECT_EQ(text.message(), "a.npz:text.npy: byte 20: element type '<U1' is not supported");
  EXPECT_NE(std::string(text.what()).find("text is no number"), std::string::npos) << text.what();
  const Error none = thrown_by([&] { file.read("labels"); });
  EXPECT_EQ(none.code(), ErrorCode::not_found);
  EXPECT_NE(std::string(none.what()).find("'label'"), std::string::npos) << none.what();
  // What cannot be read is no suggestion, near or not.
  for (const char* name : {"texts", "nothing"}) {
    const std::string what = thrown_by([&] { file.read(name); }).what();
    EXPECT_NE(what.find("known: label"), std::string::npos) << what;
    EXPECT_EQ(what.find("'text'"), std::string::npos) << what;
  }
}

TEST(Npz, ADamagedHeaderFailsTheChecksumToo) {
  const auto file = npy_bytes(Literal(DType::u8, {4000}));
  auto bytes = zip_of(file, /*compress=*/false);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  bytes[text.find("|u1")] = std::byte{'x'};
  const Error error = thrown_by([&] { parse_npz(bytes, "a.npz"); });
  EXPECT_NE(error.message().find("'a.npy' is damaged: CRC"), std::string::npos) << error.what();
}

TEST(Npz, ALengthThatCannotBeTrueAllocatesNothing) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", views_of({{"a", Literal(DType::u8, {4000})}}));
  auto bytes = file_bytes(folder / "a.npz");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const size_t central = text.find(std::string_view("PK\1\2", 4));
  std::memset(bytes.data() + central + 46 + 5 + 4, 0x7f, 7);  // the size in its zip64 field
  const Error error = thrown_by([&] { parse_npz(bytes, "a.npz"); });
  EXPECT_EQ(error.code(), ErrorCode::corrupt);
  EXPECT_NE(error.message().find("cannot have"), std::string::npos) << error.what();
}

TEST(Npz, AMissingFileIsNotFound) {
  const Error error = thrown_by([] { read_npz("/nowhere/a.npz"); });
  EXPECT_EQ(error.code(), ErrorCode::not_found);
  EXPECT_NE(error.message().find("/nowhere/a.npz"), std::string::npos);
}

}  // namespace
}  // namespace tenon
