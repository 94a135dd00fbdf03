#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "support.h"
#include "tenon/format/idx.h"
#include "tenon/format/image.h"
#include "tenon/format/npy.h"
#include "tenon/format/zip.h"

namespace tenon::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Cli, HelpShowsCommandsExamplesAndExitCodes) {
  Finished help = run({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* word : {"train", "evaluate", "predict", "inspect", "ops", "config", "completion",
                           "Examples:", "Exit codes:"})
    EXPECT_THAT(help.out, HasSubstr(word));
  Finished train = run({"train", "--help"});
  EXPECT_EQ(train.exit_code, 0);
  EXPECT_THAT(train.out, HasSubstr("--set"));
  EXPECT_THAT(train.out, HasSubstr("tenon train configs/fashion-lenet.toml"));
}

TEST(Cli, VersionNamesCpuThreadsAndLibraries) {
  Finished version = run({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  for (const char* word : {"tenon ", "cpu ", "features ", "threads ", "LLVM", "oneDNN"})
    EXPECT_THAT(version.out, HasSubstr(word));
}

TEST(Cli, WrongUsageSuggestsTheNearest) {
  Finished command = run({"trian", "a.toml"});
  EXPECT_EQ(command.exit_code, 2);
  EXPECT_THAT(command.err, HasSubstr("unknown command 'trian'\n  did you mean 'train'?"));
  Finished option = run({"train", "a.toml", "--ouptut", "x"});
  EXPECT_EQ(option.exit_code, 2);
  EXPECT_THAT(option.err,
              HasSubstr("unknown option --ouptut\n  --ouptut: did you mean '--output'?"));
  EXPECT_EQ(run({"train"}).exit_code, 2);
  EXPECT_EQ(run({"train", "missing.toml"}).exit_code, 1);
  EXPECT_THAT(run({"ops", "sofmax"}).err, HasSubstr("softmax"));
}

TEST(Cli, OpsComeFromTheRegistry) {
  Finished table = run({"ops"});
  EXPECT_EQ(table.exit_code, 0);
  EXPECT_THAT(table.out, HasSubstr("primitives"));
  EXPECT_THAT(run({"ops", "max_pool"}).out, HasSubstr("window"));
  EXPECT_THAT(run({"ops", "max_pool", "--json"}).out, HasSubstr("\"onnx\": [\n"));
}

TEST(Cli, CompletionKnowsTheCommands) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    Finished script = run({"completion", shell});
    EXPECT_EQ(script.exit_code, 0) << shell;
    EXPECT_THAT(script.out, HasSubstr("evaluate"));
  }
  EXPECT_EQ(run({"completion", "tcsh"}).exit_code, 2);
}

/// What bash offers after these words.
std::string offered(const std::string& words) {
  std::string script = "eval \"$(" TENON_BINARY " completion bash)\"; COMP_WORDS=(" + words +
                       "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tenon; echo \"${COMPREPLY[*]}\"";
  std::FILE* bash = ::popen(("bash -c '" + script + "'").c_str(), "r");
  std::string text;
  for (int c = std::fgetc(bash); c != EOF; c = std::fgetc(bash)) text += static_cast<char>(c);
  ::pclose(bash);
  return text;
}

TEST(Cli, CompletionWorksInBash) {
  EXPECT_EQ(offered("tenon pre"), "predict\n");
  EXPECT_EQ(offered("tenon train --fr"), "--fresh\n");
  EXPECT_EQ(offered("tenon config d"), "diff\n");
  EXPECT_EQ(offered("tenon completion f"), "fish\n");
  EXPECT_EQ(offered("tenon ops max_p"), "max_pool\n");
  EXPECT_EQ(offered("tenon train conf"), "\n") << "files are left to the shell";
}

TEST(Cli, HelpOfTrainNamesModelsAndLayers) {
  std::string help = run({"train", "--help"}).out;
  for (const char* word : {"resnet18", "depth", "batch_norm", "filters", "gelu"})
    EXPECT_THAT(help, HasSubstr(word));
}

TEST(Cli, ConfigDiffSeesThroughBases) {
  TemporaryFolder folder;
  write_text(folder / "a.toml", "[train]\nepochs = 5\nseed = 1\n");
  write_text(folder / "b.toml", "base = \"a.toml\"\n[train]\nepochs = 7\n[data]\nbatch = 8\n");
  Finished changes = run({"config", "diff", "a.toml", "b.toml"}, {.folder = folder.path()});
  EXPECT_EQ(changes.exit_code, 0);
  EXPECT_EQ(changes.out, "  train.epochs = 5 -> 7\n+ data.batch = 8\n");
}

TEST(Cli, TrainsEvaluatesPredictsAndInspects) {
  TemporaryFolder folder;
  write_small_run(folder.path());
  RunOptions here{.folder = folder.path()};
  Finished train = run({"train", "run.toml", "--profile", "profile.json"}, here);
  ASSERT_EQ(train.exit_code, 0) << train.err;
  EXPECT_THAT(train.err, HasSubstr("epoch 3/3"));
  EXPECT_THAT(train.out, HasSubstr("test    loss"));
  EXPECT_THAT(read_text(folder / "profile.json"), HasSubstr("traceEvents"));
  std::string report = read_text(folder / "runs/run/report.html");
  EXPECT_THAT(report, HasSubstr("north-west"));
  EXPECT_THAT(report, Not(HasSubstr("src=\"http")));

  Finished evaluate = run({"evaluate", "runs/run/model.tenon", "test.npz", "--json"}, here);
  ASSERT_EQ(evaluate.exit_code, 0) << evaluate.err;
  EXPECT_THAT(evaluate.out, HasSubstr("\"examples\": 64"));
  EXPECT_THAT(evaluate.out, HasSubstr("\"accuracy\": 1.0")) << train.out;
  // Rows of the same elements will do, labels of another kind will not.
  NamedLiterals test = read_npz(folder / "test.npz");
  write_npz(folder / "flat.npz",
            {{"image", test.at("image").reshaped({64, 8, 8})}, {"label", test.at("label")}});
  EXPECT_THAT(run({"evaluate", "runs/run/model.tenon", "flat.npz"}, here).out,
              HasSubstr("accuracy 1.0000"));
  write_npz(folder / "turned.npz",
            {{"image", Literal(DType::u8, {64, 1, 8, 8, 1})}, {"label", test.at("label")}});
  EXPECT_EQ(run({"evaluate", "runs/run/model.tenon", "turned.npz"}, here).exit_code, 0);
  write_npz(folder / "halves.npz",
            {{"image", Literal(DType::u8, {64, 4, 16})}, {"label", test.at("label")}});
  EXPECT_THAT(run({"evaluate", "runs/run/model.tenon", "halves.npz"}, here).err,
              HasSubstr("the model takes u8[8,8,1], not u8[4,16]"))
      << "as many elements in another order are other rows";
  EXPECT_THAT(run({"evaluate", "runs/run/model.tenon", "none.npz"}, here).err,
              HasSubstr("none.npz"));
  write_npz(folder / "one-hot.npz",
            {{"image", test.at("image")}, {"label", Literal(DType::i32, {64, 4})}});
  Finished one_hot = run({"evaluate", "runs/run/model.tenon", "one-hot.npz"}, here);
  EXPECT_EQ(one_hot.exit_code, 1) << one_hot.out;
  EXPECT_THAT(one_hot.err, HasSubstr("cross_entropy: the data do not have one class"));
  EXPECT_THAT(run({"evaluate", "runs/run/model.tenon", "test.npz", "--report", "runs"}, here).err,
              HasSubstr("cannot write runs: Is a directory"));
  // A configuration's test data alone are read.
  std::filesystem::rename(folder / "train.npz", folder / "away.npz");
  EXPECT_THAT(run({"evaluate", "runs/run/model.tenon", "run.toml"}, here).out,
              HasSubstr("accuracy 1.0000"));
  std::filesystem::rename(folder / "away.npz", folder / "train.npz");

  Literal picture(DType::u8, {8, 8, 1});
  for (int64_t p = 36; p < 64; ++p) {
    if (p % 8 >= 4) picture.set_int(p, 200);
  }
  write_png(folder / "corner.png", picture);
  Finished predict = run({"predict", "runs/run/model.tenon", "corner.png"}, here);
  ASSERT_EQ(predict.exit_code, 0) << predict.err;
  EXPECT_TRUE(predict.out.starts_with("south-east ")) << predict.out;
  write_npy(folder / "rows.npy", Literal(DType::u8, {5, 8, 8}));
  EXPECT_THAT(run({"predict", "runs/run/model.tenon", "rows.npy#1:3"}, here).out,
              HasSubstr("rows.npy#2  "));
  EXPECT_THAT(run({"predict", "runs/run/model.tenon", "test.npz#0:2"}, here).out,
              HasSubstr("test.npz#1  "));
  EXPECT_THAT(run({"predict", "runs/run/model.tenon", "test.npz", "--input", "x"}, here).err,
              HasSubstr("no column 'x'"));
  EXPECT_THAT(run({"inspect", "rows.npy#1"}, here).out, HasSubstr("u8[1,8,8]"));
  EXPECT_THAT(run({"predict", "runs/run/model.tenon", "rows.npy#9"}, here).err,
              HasSubstr("rows.npy: there is no row 9: the file has 5 rows, counted from 0"));
  EXPECT_THAT(run({"predict", "runs/run/model.tenon", "rows.npy#3:8"}, here).err,
              HasSubstr("rows.npy: there is no row 5: the file has 5 rows"));
  EXPECT_THAT(run({"predict", "runs/run/model.tenon", "rows.npy#3:3"}, here).err,
              HasSubstr("rows.npy: 3:3 selects no rows"));
  write_png(folder / "large.png", Literal(DType::u8, {9, 9, 1}));
  Finished large = run({"predict", "runs/run/model.tenon", "large.png"}, here);
  EXPECT_EQ(large.exit_code, 1);
  EXPECT_THAT(large.err, HasSubstr("the model takes u8[8,8,1], not u8[9,9,1]"));

  write_text(folder / "photo.jpg", "\xff\xd8\xff");
  EXPECT_THAT(run({"predict", "runs/run/model.tenon", "photo.jpg"}, here).err,
              HasSubstr("turn the JPEG into a PNG"));
  EXPECT_EQ(run({"predict", "runs/run/model.tenon", "rows.npy", "--top", "0"}, here).exit_code, 2);

  Finished model = run({"inspect", "runs/run/model.tenon"}, here);
  EXPECT_THAT(model.out, HasSubstr("u8[batch,8,8,1]"));
  EXPECT_THAT(model.out, HasSubstr("dense1.weight"));
  Finished graph = run({"inspect", "runs/run/model.tenon", "--graph"}, here);
  EXPECT_TRUE(graph.out.starts_with("graph model(%input: u8[batch,8,8,1], %dense1.weight: f32["))
      << graph.out;
  write_text(folder / "model.ir", graph.out);
  EXPECT_EQ(run({"inspect", "model.ir"}, here).out, graph.out);
  EXPECT_THAT(run({"inspect", "train.npz"}, here).out, HasSubstr("u8[256,8,8,1]"));
  std::string mixed;
  ZipWriter zip([&](std::span<const std::byte> bytes) {
    mixed.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  std::vector<std::byte> numbers = npy_bytes(Literal(DType::f32, {3}));
  zip.add("x.npy", numbers, false);
  std::string words(reinterpret_cast<const char*>(numbers.data()), numbers.size());
  words.replace(words.find("<f4"), 3, "<U1");
  zip.add("words.npy", std::as_bytes(std::span(words)), false);
  zip.finish();
  write_text(folder / "mixed.npz", mixed);
  EXPECT_THAT(run({"inspect", "mixed.npz#0"}, here).err, HasSubstr("has no rows of its own"));
  Finished archive = run({"inspect", "mixed.npz"}, here);
  EXPECT_EQ(archive.exit_code, 0) << archive.err;
  EXPECT_THAT(archive.out, AllOf(HasSubstr("f32[3]"), HasSubstr("words.npy")));
  EXPECT_THAT(run({"inspect", "runs/run/step-00003-00000000.safetensors"}, here).out,
              HasSubstr("epochs done  3"));
  EXPECT_EQ(run({"inspect", "run.toml"}, here).exit_code, 1);
}

TEST(Cli, ModelsOfTheZooTrainByName) {
  TemporaryFolder folder;
  Literal tokens(DType::i32, {32, 12}), next(DType::i32, {32, 12});
  for (int64_t i = 0; i < tokens.size(); ++i) {
    tokens.set_int(i, (i / 12 + i % 12) % 7);
    next.set_int(i, (i / 12 + i % 12 + 1) % 7);
  }
  write_npz(folder / "text.npz", {{"ids", tokens}, {"next", next}});
  write_text(folder / "gpt.toml", R"([data]
source = "npz"
train = "text.npz"
test = "text.npz"
input = "ids"
label = "next"
batch = 8
[model]
name = "gpt"
context = 12
depth = 16
heads = 2
layers = 1
[train]
epochs = 2
validation = 0.25
optimizer = {name = "adam", learning_rate = {cosine = 1e-2, warm_up = 2}}
)");
  RunOptions here{.folder = folder.path()};
  Finished gpt = run({"train", "gpt.toml"}, here);
  ASSERT_EQ(gpt.exit_code, 0) << gpt.err;
  EXPECT_THAT(gpt.err, HasSubstr("validation loss"));
  EXPECT_THAT(gpt.out, HasSubstr("(384 examples)"));
  EXPECT_THAT(run({"inspect", "runs/gpt/model.tenon"}, here).out, HasSubstr("f32[batch,12,7]"));
}

TEST(Cli, AnArchiveMayHoldMoreThanItsColumns) {
  TemporaryFolder folder;
  Literal bytes(DType::u8, {64, 2}), is_large(DType::boolean, {64});
  for (int64_t i = 0; i < 64; ++i) {
    bytes.set_int(2 * i, i % 16);
    is_large.set_int(i, i % 16 >= 8);
  }
  write_npz(folder / "table.npz", {{"image", bytes},
                                   {"label", is_large},
                                   {"mean", Literal(DType::f32, {3})},
                                   {"version", Literal(DType::i32, {})}});
  write_text(folder / "table.toml", R"([data]
source = "npz"
train = "table.npz"
test = "table.npz"
batch = 16
[model]
layers = [{dense = 2}]
[train]
epochs = 60
optimizer = {name = "adam", learning_rate = 1e-1}
)");
  RunOptions here{.folder = folder.path()};
  Finished train = run({"train", "table.toml", "--quiet"}, here);
  ASSERT_EQ(train.exit_code, 0) << train.err;
  EXPECT_THAT(train.out, HasSubstr("accuracy 1.0000"));
  Finished none = run({"train", "table.toml", "--set", "data.label=mena"}, here);
  EXPECT_THAT(none.err, HasSubstr("in table.npz, which has: image, label, mean, version"));
}

TEST(Cli, ClassesOfAFolderMayBeNamed) {
  TemporaryFolder folder;
  for (const char* part : {"train", "t10k"}) {
    write_idx(folder / (std::string(part) + "-images-idx3-ubyte"), Literal(DType::u8, {4, 8, 8}));
    write_idx(folder / (std::string(part) + "-labels-idx1-ubyte"),
              Literal::of<uint8_t>({4}, {0, 1, 1, 0}));
  }
  write_text(folder / "mine.toml",
             "[data]\nsource = \"idx\"\nfolder = \".\"\nclasses = [\"ant\", \"bee\"]\n"
             "[model]\nlayers = [\"flatten\", {dense = 2}]\n");
  RunOptions here{.folder = folder.path()};
  Finished train = run({"train", "mine.toml"}, here);
  ASSERT_EQ(train.exit_code, 0) << train.err;
  EXPECT_THAT(run({"inspect", "runs/mine/model.tenon"}, here).out, HasSubstr("ant, bee"));
}

TEST(Cli, NumbersAreTrainedEvaluatedAndPredicted) {
  TemporaryFolder folder;
  Literal x(DType::f64, {64, 2}), y(DType::f64, {64});
  for (int64_t i = 0; i < 64; ++i) {
    x.set_double(2 * i, static_cast<double>(i % 8) / 8);
    x.set_double(2 * i + 1, static_cast<double>(i - i % 8) / 64);
    y.set_double(i, x.to_double(2 * i) - 2 * x.to_double(2 * i + 1));
  }
  write_npz(folder / "numbers.npz", {{"x", x}, {"y", y}});
  write_npy(folder / "one.npy", Literal::of<double>({1, 2}, {0.5, 0.25}));
  write_text(folder / "line.toml", R"([data]
source = "npz"
train = "numbers.npz"
test = "numbers.npz"
input = "x"
label = "y"
batch = 16
[model]
layers = [{dense = 1}]
[train]
epochs = 100
loss = "mean_squared_error"
optimizer = {name = "adam", learning_rate = 5e-2, clip = 1.0}
)");
  RunOptions here{.folder = folder.path()};
  Finished train = run({"train", "line.toml"}, here);
  ASSERT_EQ(train.exit_code, 0) << train.err;
  EXPECT_THAT(train.err, Not(HasSubstr("accuracy")));
  Finished evaluate = run({"evaluate", "runs/line/model.tenon", "line.toml"}, here);
  EXPECT_EQ(evaluate.exit_code, 0) << evaluate.err;
  EXPECT_THAT(evaluate.out, HasSubstr("loss 0.000"));
  EXPECT_THAT(evaluate.out, HasSubstr("mean absolute error 0.0"));
  EXPECT_THAT(evaluate.out, HasSubstr("R² 1.000"));
  EXPECT_THAT(run({"evaluate", "runs/line/model.tenon", "line.toml", "--json"}, here).out,
              HasSubstr("\"r_squared\": 0.99"));
  EXPECT_THAT(read_text(folder / "runs/line/report.html"), HasSubstr("<h2>Worst rows</h2>"));
  Finished predict = run({"predict", "runs/line/model.tenon", "one.npy"}, here);
  EXPECT_LT(std::abs(std::stod(predict.out)), 0.05) << predict.out;
  // One output a number, also from the zoo.
  EXPECT_THAT(run({"evaluate", "runs/line/model.tenon", "numbers.npz"}, here).out,
              HasSubstr("loss 0.000"))
      << "the model knows its columns";
  Finished by_name = run({"train", "line.toml", "--fresh", "--set", "train.epochs=1", "--set",
                          "model={name = \"mlp\", hidden = [4]}"},
                         here);
  EXPECT_EQ(by_name.exit_code, 0) << by_name.err;
}

TEST(Cli, WhatDoesNotFitTogetherIsAnErrorBeforeTheFirstStep) {
  TemporaryFolder folder;
  write_small_run(folder.path());
  write_npz(folder / "flat.npz",
            {{"image", Literal(DType::u8, {4, 64})}, {"label", Literal(DType::i64, {4})}});
  write_npz(folder / "empty.npz",
            {{"image", Literal(DType::u8, {0, 8, 8, 1})}, {"label", Literal(DType::i64, {0})}});
  write_npz(folder / "beyond.npz", {{"image", Literal(DType::u8, {2, 8, 8, 1})},
                                    {"label", Literal::of<int64_t>({2}, {0, 4})}});
  write_npz(folder / "huge.npz", {{"image", Literal(DType::u8, {2, 8, 8, 1})},
                                  {"label", Literal::of<int64_t>({2}, {0, INT64_MAX})}});
  auto error_of = [&](const std::string& change) {
    Finished finished = run({"train", "run.toml", "--set", change}, {.folder = folder.path()});
    EXPECT_EQ(finished.exit_code, 1) << change;
    EXPECT_THAT(finished.err, Not(HasSubstr("epoch 1")));
    return finished.err;
  };
  EXPECT_THAT(error_of("model.layers=[\"flatten\", {dense = 3}]"), HasSubstr("label 3 in row"));
  EXPECT_THAT(error_of("model.layers=[\"flatten\", {dense = 0}]"),
              HasSubstr("units is 0, it must be at least 1 (dense1)"));
  EXPECT_THAT(error_of("model.layers=[{max_pool = 9}, \"flatten\", {dense = 4}]"),
              HasSubstr("at --set model.layers"));
  EXPECT_THAT(error_of("data.test=flat.npz"), HasSubstr("test        image  u8[64]"));
  EXPECT_THAT(error_of("data.test=beyond.npz"),
              AllOf(HasSubstr("label 4 in row 1 of the test data"), HasSubstr("data.classes"),
                    HasSubstr("model.classes")));
  EXPECT_THAT(error_of("train.optimizer={name = \"sgd\", nesterov = true}"),
              AllOf(HasSubstr("nesterov needs a momentum"), HasSubstr("train.optimizer")));
  EXPECT_THAT(error_of("data.test=empty.npz"),
              AllOf(HasSubstr("empty.npz: the data set has no rows"),
                    HasSubstr("at --set data.test=empty.npz")));
  EXPECT_THAT(error_of("data.input=label"),
              AllOf(HasSubstr("'label' cannot be input and label at once"),
                    HasSubstr("at --set data.input=label")));
  EXPECT_THAT(error_of("model.layers=[\"flatten\", {embedding = {tokens = 4, depth = 2}}]"),
              AllOf(HasSubstr("rows of 'image' are u8[8,8,1]"), HasSubstr("token ids as int32")));
  EXPECT_THAT(error_of("data.label=labels"), HasSubstr("no column 'labels'"));
  EXPECT_THAT(error_of("data.label=labels"), HasSubstr("in train.npz"));
  EXPECT_THAT(error_of("model.layers=[\"flatten\", {dense = 288230376151711744}]"),
              HasSubstr("[64,288230376151711744] has more elements than memory can ever hold"));
  write_text(folder / "huge.toml",
             "[data]\nsource = \"npz\"\ntrain = \"huge.npz\"\n[model]\nname = \"mlp\"\n");
  EXPECT_THAT(run({"train", "huge.toml"}, {.folder = folder.path()}).err,
              HasSubstr("'label' of row 1 is 9223372036854775807"));
  EXPECT_THAT(error_of("data.train=empty.npz"), HasSubstr("empty.npz: the data set has no rows"));
}

TEST(Cli, APlanBeyondTheMemoryLimitIsAnErrorBeforeTheRun) {
  TemporaryFolder folder;
  write_small_run(folder.path());
  Finished finished =
      run({"train", "run.toml", "--set", "train.memory_limit=1000"}, {.folder = folder.path()});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr("limit"));
  EXPECT_THAT(finished.err, Not(HasSubstr("loss")));
}

TEST(Cli, ErrorsInConfigurationsNameThePlace) {
  TemporaryFolder folder;
  write_small_run(folder.path());
  RunOptions here{.folder = folder.path()};
  auto error_of = [&](std::vector<std::string> changes) {
    std::vector<std::string> arguments{"train", "run.toml"};
    for (const std::string& change : changes) {
      arguments.push_back("--set");
      arguments.push_back(change);
    }
    Finished finished = run(arguments, here);
    EXPECT_EQ(finished.exit_code, 1);
    return finished.err;
  };
  EXPECT_THAT(error_of({"train.epoch=3"}), HasSubstr("did you mean 'epochs'?"));
  EXPECT_THAT(error_of({"train.optimizer.name=adamww"}), HasSubstr("did you mean 'adamw'?"));
  EXPECT_THAT(error_of({"trian.epochs=3"}),
              HasSubstr("unknown key trian\n  --set trian.epochs=3: trian: did you mean 'train'?"));
  EXPECT_THAT(error_of({"model={name=\"mlp\"}", "model.hiden=3"}),
              HasSubstr("hint: did you mean 'hidden'?\n  at --set model.hiden=3"));
  EXPECT_THAT(error_of({"data.classes=[\"a\", \"b\", \"a\"]"}), HasSubstr("both called 'a'"));
  EXPECT_THAT(error_of({"data.scale=nan"}), HasSubstr("data.scale is nan"));
  EXPECT_THAT(error_of({"data.offset=1e40"}), HasSubstr("beyond what f32 can hold"));
  EXPECT_THAT(error_of({"model.layers=[\"flatten\", {batch_norm = {momentum = 7}}, {dense = 4}]"}),
              HasSubstr("momentum is 7"));
  EXPECT_THAT(error_of({"model.layers=[\"flatten\", {layer_norm = {epsilon = -1}}, {dense = 4}]"}),
              HasSubstr("epsilon is -1"));
  EXPECT_THAT(error_of({"train.optimizer.learning_rate={step=1e-3, every=5, factor=-1}"}),
              HasSubstr("factor -1"));
  EXPECT_THAT(error_of({"data.source=npy"}), HasSubstr("did you mean 'npz'?"));
  EXPECT_THAT(error_of({"model.layers=[\"relux\"]"}), HasSubstr("did you mean 'relu'?"));
  EXPECT_THAT(error_of({"model.layers=[{conv = {filter = 3}}]"}),
              HasSubstr("did you mean 'filters'?"));
  EXPECT_THAT(error_of({"train.validation=test", "train.patience=2"}), HasSubstr("patience"));
  EXPECT_THAT(error_of({"train.patience=2"}), HasSubstr("needs a validation set"));
  EXPECT_THAT(error_of({"train.validation=1e-9"}), HasSubstr("leaves nothing to validate with"));
  EXPECT_THAT(error_of({"train.epochs=0"}), HasSubstr("it must be at least 1"));
  EXPECT_THAT(error_of({"train.keep_checkpoints=0"}), HasSubstr("it must be at least 1"));
  EXPECT_THAT(error_of({"train.optimizer.learning_rate=-1"}),
              HasSubstr("at --set train.optimizer.learning_rate=-1"));
  EXPECT_THAT(error_of({"train.optimizer.learning_rate={one_cycl=1}"}),
              HasSubstr("did you mean 'one_cycle'?"));
  EXPECT_THAT(error_of({"train.optimizer.learning_rate={step=1e-3, every=0}"}),
              HasSubstr("every 0 steps"));
  EXPECT_THAT(error_of({"train.optimizer={name=\"sgd\", momentum=1.5}"}),
              HasSubstr("momentum is 1.5"));
  EXPECT_THAT(error_of({"model.name=mlp"}), HasSubstr("a name and a list of layers"));
}

}  // namespace
}  // namespace tenon::testing
