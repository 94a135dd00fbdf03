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

TEST(PythonTools, GoldenFilesAreRead) { expect_python_files("tests/golden/format"); }

TEST(PythonTools, FilesOfTheInstalledToolsAreRead) {
  if (peers_python().empty()) GTEST_SKIP() << "no Python tools: see bench/peers/requirements.txt";
  const TemporaryFolder folder;
  ASSERT_TRUE(run_python("format_files.py", "write " + (folder / "").string()));
  expect_python_files(folder / "");
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
