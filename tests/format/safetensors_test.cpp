#include "tenon/format/safetensors.h"

#include <array>

#include "tests/format/support.h"

namespace tenon {
namespace {

std::vector<std::byte> file_of(std::string_view header, std::string_view data) {
  std::string text;
  for (int shift = 0; shift < 64; shift += 8) text += static_cast<char>(header.size() >> shift);
  text.append(header).append(data);
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string message_of(std::string_view header, std::string_view data) {
  const auto bytes = file_of(header, data);
  const Error error = thrown_by([&] { SafetensorsFile(bytes, "x.safetensors"); });
  EXPECT_EQ(error.code(), ErrorCode::corrupt);
  return error.message();
}

TEST(Safetensors, KeepsEveryDtypeAndTheMetadata) {
  const TemporaryFolder folder;
  const auto path = folder / "all.safetensors";
  const NamedLiterals arrays = one_of_each_dtype();
  write_safetensors(path, views_of(arrays), {{"step", "900"}, {"näme \"x\"\n", "wört\t"}});
  const SafetensorsFile file(path);
  EXPECT_EQ(file.read_all(), arrays);
  EXPECT_EQ(file.metadata().at("step"), "900");
  EXPECT_EQ(file.metadata().at("näme \"x\"\n"), "wört\t");
}

TEST(Safetensors, DataAreAlignedForUseInPlace) {
  const TemporaryFolder folder;
  const auto path = folder / "aligned.safetensors";
  write_safetensors(path, views_of({{"a", Literal(DType::u8, {3})},
                                    {"b", Literal(DType::f64, {1})},
                                    {"c", Literal(DType::f16, {1})}}));
  const SafetensorsFile file(path);
  for (const auto& tensor : file.tensors()) {
    EXPECT_EQ(tensor.offset % size_of(*tensor.dtype), 0u) << tensor.name;
  }
  EXPECT_EQ(file.tensors().front().name, "b");
  EXPECT_EQ(file.tensors().front().offset % 64, 0u);
}

TEST(Safetensors, AnUnknownNameIsAnsweredWithTheNearest) {
  const TemporaryFolder folder;
  write_safetensors(folder / "m", views_of({{"fc1.weight", Literal(DType::f32, {1})}}));
  const SafetensorsFile file(folder / "m");
  EXPECT_FALSE(file.contains("fc1.wieght"));
  const Error error = thrown_by([&] { file.read("fc1.wieght"); });
  EXPECT_EQ(error.code(), ErrorCode::not_found);
  EXPECT_NE(std::string(error.what()).find("fc1.weight"), std::string::npos);
}

TEST(Safetensors, TypesThatTenonLacksAreListedButNotRead) {
  const auto bytes = file_of(R"({"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}})", "ab");
  const SafetensorsFile file(bytes, "x.safetensors");
  EXPECT_FALSE(file.at("a").dtype.has_value());
  EXPECT_EQ(thrown_by([&] { file.read("a"); }).code(), ErrorCode::unsupported);
}

TEST(Safetensors, ATypeOfALaterVersionSpoilsOnlyItsTensor) {
  const auto bytes = file_of(R"({"a":{"dtype":"F2","shape":[4],"data_offsets":[0,1]},)"
                             R"("b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                             "ab");
  const SafetensorsFile file(bytes, "x.safetensors");
  EXPECT_EQ(file.read("b"), Literal::of<uint8_t>({1}, {'b'}));
  const Error error = thrown_by([&] { file.read("a"); });
  EXPECT_EQ(error.code(), ErrorCode::unsupported);
  EXPECT_NE(error.message().find("'a' has element type F2"), std::string::npos) << error.what();
}

TEST(Safetensors, SaysWhereTheHeaderIsWrong) {
  EXPECT_EQ(message_of("[]", ""), "x.safetensors: byte 8: the header does not begin with '{'");
  EXPECT_EQ(message_of(R"({"a")", ""), "x.safetensors: byte 11: the header is not JSON");
  EXPECT_EQ(message_of(R"({"a":{"dtype":"U8","shape":[1]}})", "a"),
            "x.safetensors: byte 11: 'a' lacks one of dtype, shape and data_offsets");
  EXPECT_EQ(message_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}})", "a"),
            "x.safetensors: byte 62: unexpected key 'x' in 'a'");
  EXPECT_EQ(message_of(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", "a"),
            "x.safetensors: byte 38: a negative number in the header");
}

TEST(Safetensors, SaysWhichTensorsAreWrong) {
  const std::string a = R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]})";
  EXPECT_EQ(message_of("{" + a + "," + a + "}", "ab"),
            "x.safetensors: byte 63: 'a' is there twice");
  EXPECT_EQ(
      message_of("{" + a + R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", "abc"),
      "x.safetensors: byte 63: 'b' begins at byte 1 of the data, but the previous one ends at 2");
  EXPECT_EQ(
      message_of("{" + a + R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}})", "abcde"),
      "x.safetensors: byte 63: 'b' begins at byte 3 of the data, but the previous one ends at 2");
  EXPECT_EQ(message_of("{" + a + "}", "abc"),
            "x.safetensors: byte 63: 1 bytes belong to no tensor");
  EXPECT_EQ(message_of("{" + a + "}", "a"),
            "x.safetensors: byte 62: the file ends within 'a', which needs 1 bytes more");
  EXPECT_EQ(message_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,2]}})", "ab"),
            "x.safetensors: byte 11: 'a' has 2 bytes of data, but its shape needs 8");
  EXPECT_EQ(message_of(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],)"
                       R"("data_offsets":[0,0]}})",
                       ""),
            "x.safetensors: byte 11: 'a' has 0 bytes of data, but its shape needs an impossible "
            "number");
}

TEST(Safetensors, AHugeHeaderLengthIsRefused) {
  std::array<std::byte, 16> bytes;
  bytes.fill(std::byte{0xff});
  const Error error = thrown_by([&] { SafetensorsFile(bytes, "x"); });
  EXPECT_EQ(error.code(), ErrorCode::corrupt);
  EXPECT_EQ(error.message(),
            "x: byte 0: a header of 18446744073709551615 bytes, where 8 follow: not a safetensors "
            "file");
}

TEST(Safetensors, EveryPrefixAndEveryChangeIsAnErrorOrAnArray) {
  const TemporaryFolder folder;
  write_safetensors(folder / "m",
                    views_of({{"a", Literal::of<float>({2, 1}, {1, 2})},
                              {"b", Literal::of<bool>({3}, {true, false, true})}}),
                    {{"k", "v"}});
  const auto bytes = file_bytes(folder / "m");
  const auto parse = [](auto content, auto name) { SafetensorsFile(content, name).read_all(); };
  expect_every_prefix_is_corrupt(bytes, parse);
  expect_every_change_is_survived(bytes, parse);
}

TEST(Safetensors, AFailedWriteLeavesTheOldFile) {
  const TemporaryFolder folder;
  const auto path = folder / "m.safetensors";
  const NamedLiterals first = {{"a", Literal::scalar(DType::f32, 1)}};
  write_safetensors(path, views_of(first));
  EXPECT_EQ(thrown_by([&] {
              write_safetensors(path, views_of({{"__metadata__", Literal(DType::f32, {2})}}));
            }).code(),
            ErrorCode::invalid_argument);
  EXPECT_EQ(thrown_by([&] { write_safetensors(path / "x", views_of(first)); }).code(),
            ErrorCode::io);
  EXPECT_EQ(read_safetensors(path), first);
}

TEST(Safetensors, NamesThatAreNoTextAreRefused) {
  const TemporaryFolder folder;
  const NamedLiterals bad = {{"caf\xe9", Literal::scalar(DType::f32, 1)}};
  const NamedLiterals good = {{"a", Literal::scalar(DType::f32, 1)}};
  for (const auto& write :
       {std::function([&] { write_safetensors(folder / "m", views_of(bad)); }),
        std::function([&] { write_safetensors(folder / "m", views_of(good), {{"k", "\xff"}}); })}) {
    const Error error = thrown_by(write);
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(error.message().find("must be UTF-8"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "m"));
}

TEST(Safetensors, ReadsTheTrainingRunsOfPyTorch) {
  const SafetensorsFile lenet("tests/golden/torch/lenet.safetensors");
  EXPECT_EQ(lenet.at("initial/conv1.weight").shape, (std::vector<int64_t>{5, 5, 1, 6}));
  EXPECT_EQ(lenet.at("initial/fc1.weight").shape, (std::vector<int64_t>{400, 120}));
  EXPECT_EQ(lenet.metadata().at("optimizer"), "sgd");
  EXPECT_EQ(lenet.read("loss").size(), 10);
}

TEST(Safetensors, MappedArraysAreTheFileItself) {
  const TemporaryFolder folder;
  const auto path = folder / "mapped.safetensors";
  const NamedLiterals arrays = one_of_each_dtype();
  write_safetensors(path, views_of(arrays));
  const int64_t before = blob_statistics().mapped;
  Literal kept;
  {
    const SafetensorsFile file(path);
    for (const auto& entry : file.tensors()) {
      SCOPED_TRACE(entry.name);
      const Literal mapped = file.map(entry);
      EXPECT_EQ(mapped, arrays.at(entry.name));
      // Bytes of bools are looked at, so those are copied.
      const bool in_place = entry.size > 0 && entry.dtype != DType::boolean;
      EXPECT_EQ(in_place, mapped.data() == file.bytes(entry).data());
      if (in_place) kept = mapped;
    }
  }
  const Literal value = kept;
  // A file that is replaced, as Tenon does it, stays what it was for those who have it.
  write_safetensors(path, views_of({{"other", Literal(DType::f32, {1})}}));
  EXPECT_EQ(value, kept.clone());
  EXPECT_EQ(blob_statistics().mapped, before + 1);
  kept.values<std::byte>()[0] = std::byte{42};  // in memory of its own
  EXPECT_NE(value, kept);
}

TEST(Safetensors, ArraysAtOddAddressesAreCopied) {
  const TemporaryFolder folder;
  const auto path = folder / "odd.safetensors";
  const auto bytes = file_of(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} )", "abcd");
  atomic_write(path, bytes);
  const SafetensorsFile file(path);
  ASSERT_NE(file.at("x").offset % 4, 0u);
  EXPECT_EQ(file.map("x"), file.read("x"));
}

}  // namespace
}  // namespace tenon
