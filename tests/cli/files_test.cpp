// Several files on a command line, and files that hold more than is read.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support.h"
#include "tenon/base/json.h"
#include "tenon/format/image.h"
#include "tenon/format/npy.h"

namespace tenon::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(CliFiles, OneFileThatDoesNotFitLeavesTheOthers) {
  TemporaryFolder folder;
  RunOptions here{.folder = folder.path()};
  write_small_run(folder.path(), 1);
  ASSERT_EQ(run({"train", "run.toml", "--quiet"}, here).exit_code, 0);
  write_png(folder / "a.png", Literal(DType::u8, {8, 8}));
  write_png(folder / "large.png", Literal(DType::u8, {9, 9}));
  write_text(folder / "words.png", "words");
  write_npy(folder / "rows.npy", Literal(DType::u8, {2, 8, 8}));
  const std::vector<std::string> predict = {
      "predict", "runs/run/model.tenon", "none.png", "a.png", "large.png", "rows.npy", "words.png",
      "a.png"};
  Finished some = run(predict, here);
  EXPECT_EQ(some.exit_code, 1);
  EXPECT_THAT(some.out, MatchesRegex("a.png [^\n]*\nrows.npy#0 [^\n]*\nrows.npy#1 [^\n]*\n"
                                     "a.png [^\n]*\n"));
  EXPECT_THAT(some.err, AllOf(HasSubstr("cannot open none.png"), HasSubstr("large.png: the model"),
                              HasSubstr("words.png: neither a picture nor an array")));
  std::vector<std::string> json = predict;
  json.push_back("--json");
  Finished as_json = run(json, here);
  EXPECT_EQ(as_json.exit_code, 1);
  const Json entries = parse_json(as_json.out, "out");
  std::vector<std::string> inputs, failed;
  for (const Json& entry : entries) {
    inputs.push_back(entry["input"]);
    if (entry.contains("error")) failed.push_back(entry["input"]);
    EXPECT_NE(entry.contains("error"), entry.contains("probabilities")) << entry;
  }
  EXPECT_EQ(inputs, (std::vector<std::string>{"none.png", "a.png", "large.png", "rows.npy#0",
                                              "rows.npy#1", "words.png", "a.png"}));
  EXPECT_EQ(failed, (std::vector<std::string>{"none.png", "large.png", "words.png"}));
  // A picture that is alone among errors is named nevertheless.
  EXPECT_TRUE(run({"predict", "runs/run/model.tenon", "none.png", "a.png"}, here)
                  .out.starts_with("a.png "));

  Finished inspect = run({"inspect", "none.png", "a.png", "words.png", "rows.npy"}, here);
  EXPECT_EQ(inspect.exit_code, 1);
  EXPECT_THAT(inspect.out, AllOf(HasSubstr("image  a.png"), HasSubstr("npy  rows.npy")));
  EXPECT_THAT(inspect.err, AllOf(HasSubstr("none.png"), HasSubstr("words.png")));
  EXPECT_EQ(run({"inspect", "a.png", "rows.npy"}, here).exit_code, 0);
}

TEST(CliFiles, OnePictureIsOfOneClassInEveryFormat) {
  TemporaryFolder folder;
  RunOptions here{.folder = folder.path()};
  write_small_run(folder.path(), 1);
  ASSERT_EQ(run({"train", "run.toml", "--quiet"}, here).exit_code, 0);
  Literal grey(DType::u8, {8, 8, 1}), colour(DType::u8, {8, 8, 3}), rgba(DType::u8, {8, 8, 4});
  std::string pgm = "P5 8 8 255\n", wide = "P5 8 8 65535\n", ppm = "P6 8 8 255\n";
  for (int64_t p = 0; p < 64; ++p) {
    const int64_t value = p * 37 % 256;
    grey.set_int(p, value);
    pgm += static_cast<char>(value);
    wide += {static_cast<char>(value), static_cast<char>(value)};
    for (int64_t c = 0; c < 3; ++c) {
      colour.set_int(p * 3 + c, value);
      rgba.set_int(p * 4 + c, value);
      ppm += static_cast<char>(value);
    }
    rgba.set_int(p * 4 + 3, p * 3);
  }
  write_png(folder / "grey.png", grey);
  write_png(folder / "colour.png", colour);
  write_png(folder / "rgba.png", rgba);
  write_text(folder / "grey.pgm", pgm);
  write_text(folder / "wide.pgm", wide);
  write_text(folder / "colour.ppm", ppm);
  write_npy(folder / "grey.npy", std::move(grey).reshaped({1, 8, 8}));
  const std::string wanted =
      run({"predict", "runs/run/model.tenon", "grey.npy#0", "--json"}, here).out;
  for (const std::string file :
       {"grey.png", "colour.png", "rgba.png", "grey.pgm", "wide.pgm", "colour.ppm"}) {
    Finished one = run({"predict", "runs/run/model.tenon", file, "--json"}, here);
    EXPECT_EQ(one.exit_code, 0) << one.err;
    EXPECT_EQ(one.out.replace(one.out.find(file), file.size(), "grey.npy#0"), wanted) << file;
  }
}

TEST(CliFiles, AModelOfTwoAxesTakesPicturesAsGrey) {
  TemporaryFolder folder;
  RunOptions here{.folder = folder.path()};
  write_npz(folder / "flat.npz",
            {{"image", Literal(DType::u8, {8, 6, 6})}, {"label", Literal(DType::i32, {8})}});
  write_text(folder / "flat.toml", R"([data]
source = "npz"
train = "flat.npz"
batch = 8
[model]
layers = ["flatten", {dense = 2}]
[train]
epochs = 1
)");
  Finished train = run({"train", "flat.toml", "--quiet"}, here);
  ASSERT_EQ(train.exit_code, 0) << train.err;
  for (int64_t channels : {1, 2, 3, 4}) {
    Literal picture(DType::u8, {6, 6, channels});
    for (int64_t i = 0; i < picture.size(); ++i) picture.set_int(i, i / channels * 7);
    write_png(folder / (std::to_string(channels) + ".png"), picture);
  }
  const std::string wanted = run({"predict", "runs/flat/model.tenon", "1.png"}, here).out;
  EXPECT_NE(wanted, "");
  for (const char* file : {"2.png", "3.png", "4.png"}) {
    Finished one = run({"predict", "runs/flat/model.tenon", file}, here);
    EXPECT_EQ(one.out, wanted) << one.err;
  }
}

TEST(CliFiles, InspectShowsWhatIsNotReadToo) {
  Finished odd = run({"inspect", "tests/golden/format/odd.npz"});
  EXPECT_EQ(odd.exit_code, 1) << "a name is there twice";
  for (const char* text : {"stored", "array by another name", "no array: readme.txt",
                           "'bzip2.npy' is compressed with method 12", "'secret.npy' is encrypted",
                           "element type '<U2'"})
    EXPECT_THAT(odd.out, HasSubstr(text));
  EXPECT_THAT(odd.err, HasSubstr("'twice' is there twice"));
  Finished mixed = run({"inspect", "tests/golden/format/mixed.safetensors"});
  EXPECT_EQ(mixed.exit_code, 0) << mixed.err;
  EXPECT_THAT(mixed.out, AllOf(HasSubstr("f32[2]"), HasSubstr("F8_E4M3[1], not read"),
                               HasSubstr("U64[1], read as i64"), HasSubstr("C64[1], not read")));
}

TEST(CliFiles, ReportsAndModelsKeepTheirPermissions) {
  TemporaryFolder folder;
  RunOptions here{.folder = folder.path()};
  write_small_run(folder.path(), 1);
  ASSERT_EQ(run({"train", "run.toml", "--quiet"}, here).exit_code, 0);
  namespace fs = std::filesystem;
  constexpr fs::perms kPrivate = fs::perms::owner_read | fs::perms::owner_write;
  const std::vector<fs::path> files = {folder / "runs/run/model.tenon",
                                       folder / "runs/run/report.html"};
  for (const fs::path& file : files) fs::permissions(file, kPrivate);
  ASSERT_EQ(run({"train", "run.toml", "--quiet"}, here).exit_code, 0);
  for (const fs::path& file : files) EXPECT_EQ(fs::status(file).permissions(), kPrivate) << file;
}

}  // namespace
}  // namespace tenon::testing
