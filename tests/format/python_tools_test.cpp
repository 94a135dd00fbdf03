// Files go from the real tools to Tenon and back: tests/reference/format_files.py is the other
// side.

#include "tenon/format/image.h"
#include "tenon/format/npy.h"
#include "tenon/format/safetensors.h"
#include "tests/format/support.h"

namespace tenon {
namespace {

Literal picture(int64_t channels) {
  Literal image(DType::u8, {5, 4, channels});
  auto values = image.values<uint8_t>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<uint8_t>(i * 37);
  return image;
}

void expect_python_files(const std::filesystem::path& folder) {
  const NamedLiterals arrays = one_of_each_dtype();
  for (const auto& [name, array] : arrays) EXPECT_EQ(read_npy(folder / (name + ".npy")), array);
  EXPECT_EQ(read_npy(folder / "fortran.npy"), arrays.at("f32"));
  EXPECT_EQ(read_npy(folder / "big-endian.npy"), arrays.at("i32"));
  EXPECT_EQ(read_npz(folder / "stored.npz"), arrays);
  EXPECT_EQ(read_npz(folder / "compressed.npz"), arrays);
  const SafetensorsFile torch(folder / "torch.safetensors");
  EXPECT_EQ(torch.read_all(), arrays);
  EXPECT_EQ(torch.metadata().at("made by"), "PyTorch");
  NamedLiterals plain = arrays;
  plain.erase("bf16");
  EXPECT_EQ(read_safetensors(folder / "numpy.safetensors"), plain);
  EXPECT_EQ(read_image(folder / "grey.png"), picture(1));
  EXPECT_EQ(read_image(folder / "colour.png"), picture(3));
  EXPECT_EQ(read_image(folder / "see-through.png"), picture(4));
  EXPECT_EQ(read_image(folder / "colour.ppm"), picture(3));
  EXPECT_EQ(read_image(folder / "grey.pgm"), picture(1));
}

constexpr int64_t kMax64 = std::numeric_limits<int64_t>::max();

const std::map<std::string, Literal>& whole_numbers() {
  static const std::map<std::string, Literal> numbers = {
      {"I16", Literal::of<int32_t>({2, 3}, {0, 1, 2, 7, -32768, 32767})},
      {"U16", Literal::of<int32_t>({2, 3}, {0, 1, 2, 7, 0, 65535})},
      {"U32", Literal::of<int64_t>({2, 3}, {0, 1, 2, 7, 0, 4294967295})},
      {"U64", Literal::of<int64_t>({2, 3}, {0, 1, 2, 7, 0, kMax64})}};
  return numbers;
}

void expect_unread(const std::function<void()>& read, const std::string& message) {
  const Error error = thrown_by(read);
  EXPECT_EQ(error.code(), ErrorCode::unsupported) << error.what();
  EXPECT_NE(error.message().find(message), std::string::npos) << error.what();
}

/// Each odd tensor or member is an error of its own.
void expect_odd_python_files(const std::filesystem::path& folder) {
  EXPECT_EQ(read_safetensors(folder / "whole.safetensors"), whole_numbers());
  const SafetensorsFile mixed(folder / "mixed.safetensors");
  EXPECT_EQ(mixed.tensors().size(), 7u);
  EXPECT_EQ(mixed.read("F32"), Literal::of<float>({2}, {1, 2}));
  EXPECT_EQ(mixed.read("U16"), Literal::of<int32_t>({2}, {1, 65535}));
  EXPECT_EQ(thrown_by([&] { mixed.read("U64"); }).message(),
            (folder / "mixed.safetensors").string() +
                ": 'U64': 18446744073709551615 in row 0 is more than i64 can hold");
  for (const char* name : {"F8_E4M3", "F8_E5M2", "C64"}) {
    EXPECT_EQ(mixed.at(name).dtype_name, name);
    expect_unread([&] { mixed.read(name); }, "has element type " + std::string(name));
  }

  const NpzFile odd(folder / "odd.npz");
  const Literal x = Literal::of<float>({3}, {0, 1, 2});
  for (const char* name : {"stored", "deflated", "folder/inner", "large", "array by another name"})
    EXPECT_EQ(odd.read(name), x) << name;
  for (const auto& [name, why] : std::map<std::string, std::string>{
           {"bzip2", "'bzip2.npy' is compressed with method 12 (bzip2)"},
           {"lzma", "'lzma.npy' is compressed with method 14 (lzma)"},
           {"secret", "'secret.npy' is encrypted"},
           {"words", "element type '<U2'"},
           {"times", "element type '<M8[D]'"},
           {"complex", "element type '<c16'"},
           {"records", "an array of records"},
           {"readme.txt", "'readme.txt' is not an array"}})
    expect_unread([&] { odd.read(name); }, why);
  EXPECT_EQ(thrown_by([&] { odd.read("twice"); }).message(),
            (folder / "odd.npz").string() + ": byte 0: 'twice' is there twice");
  EXPECT_EQ(odd.others(), std::vector<std::string>{"readme.txt"});
  EXPECT_EQ(odd.names().size(), 13u);

  EXPECT_EQ(read_npy(folder / "whole-i2.npy"), whole_numbers().at("I16"));
  EXPECT_EQ(read_npy(folder / "whole-big-i2.npy"), whole_numbers().at("I16"));
  EXPECT_EQ(read_npy(folder / "whole-u2.npy"), whole_numbers().at("U16"));
  EXPECT_EQ(read_npy(folder / "whole-big-u4.npy"), whole_numbers().at("U32"));
  EXPECT_EQ(read_npy(folder / "big-f32.npy"), one_of_each_dtype().at("f32"));
  EXPECT_EQ(read_npy(folder / "big-f16-fortran.npy"), one_of_each_dtype().at("f16"));
  for (const char* version : {"1", "2", "3"})
    EXPECT_EQ(read_npy(folder / ("version-" + std::string(version) + ".npy")), x);
}

TEST(PythonTools, GoldenFilesAreRead) {
  expect_python_files("tests/golden/format");
  expect_odd_python_files("tests/golden/format");
}

TEST(PythonTools, FilesOfTheInstalledToolsAreRead) {
  if (peers_python().empty()) GTEST_SKIP() << "no Python tools: see bench/peers/requirements.txt";
  const TemporaryFolder folder;
  ASSERT_TRUE(run_python("format_files.py", "write " + (folder / "").string()));
  expect_python_files(folder / "");
  expect_odd_python_files(folder / "");
}

TEST(PythonTools, TheInstalledToolsReadOurFiles) {
  if (peers_python().empty()) GTEST_SKIP() << "no Python tools: see bench/peers/requirements.txt";
  const TemporaryFolder folder;
  const NamedLiterals arrays = one_of_each_dtype();
  for (const auto& [name, array] : arrays) write_npy(folder / (name + ".npy"), array);
  write_npz(folder / "stored.npz", views_of(arrays), {.compress = false});
  write_npz(folder / "compressed.npz", views_of(arrays));
  write_safetensors(folder / "all.safetensors", views_of(arrays), {{"step", "900"}});
  write_png(folder / "grey.png", picture(1));
  write_png(folder / "colour.png", picture(3));
  write_png(folder / "see-through.png", picture(4));
  EXPECT_TRUE(run_python("format_files.py", "check " + (folder / "").string()));
}

#if !defined(__has_feature)
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

TEST(PythonTools, ArraysAreExchangedThroughDlpack) {
  if (kSanitized) GTEST_SKIP() << "Python has no sanitizer, and so cannot load a module with one";
  if (peers_python().empty()) GTEST_SKIP() << "no Python tools: see bench/peers/requirements.txt";
  EXPECT_TRUE(run_python("dlpack_exchange.py", DLPACK_EXCHANGE));
}

}  // namespace
}  // namespace tenon
