#include "tenon/base/configuration.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tests/support.h"

namespace tenon {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kText = R"(# a comment
[data]
source = "fashion-mnist"
batch = 64

[model]
layers = [ {conv = {filters = 6, kernel = 5}}, "relu" ]

[train]
optimizer = {name = "adamw", learning_rate = 4e-3, betas = [0.9, 0.999]}
resume = true
)";

TEST(Configuration, ReadsTypedValues) {
  const auto config = Configuration::parse(kText, "a.toml");
  EXPECT_EQ(config.get_string("data.source"), "fashion-mnist");
  EXPECT_EQ(config.get_int("data.batch"), 64);
  EXPECT_EQ(config.get_double("data.batch"), 64.0);
  EXPECT_TRUE(config.get_bool("train.resume"));
  EXPECT_EQ(config.get_doubles("train.optimizer.betas"), (std::vector<double>{0.9, 0.999}));
  EXPECT_EQ(config.get_int("train.epochs", 5), 5);
  EXPECT_EQ(config.keys("train.optimizer"),
            (std::vector<std::string>{"name", "learning_rate", "betas"}));
}

TEST(Configuration, ListsMixTablesAndScalars) {
  const auto config = Configuration::parse(kText, "a.toml");
  const auto layers = config.section("model").list("layers");
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].keys(), std::vector<std::string>{"conv"});
  EXPECT_EQ(layers[0].get_int("conv.kernel"), 5);
  EXPECT_EQ(layers[1].kind(""), Configuration::Kind::string);
  EXPECT_EQ(layers[1].get_string(""), "relu");
  EXPECT_EQ(config.get_int("model.layers.0.conv.filters"), 6);
}

TEST(Configuration, WrongTypeNamesKeyValueAndPlace) {
  const auto config = Configuration::parse(kText, "a.toml");
  EXPECT_EQ(error_of([&] { config.section("data").get_int("source"); }),
            "data.source: expected an integer, found a string \"fashion-mnist\"\n  in a.toml:3:1");
  EXPECT_EQ(error_of([&] { config.get_int("data.size"); }), "missing key data.size\n  in a.toml");
  EXPECT_EQ(error_of([&] { config.section("data.batch"); }),
            "data.batch: expected a table, found an integer 64\n  in a.toml:4:1");
}

TEST(Configuration, SyntaxErrorsNameLineAndColumn) {
  EXPECT_TRUE(
      error_of([] { Configuration::parse("a = 1\nb = \n", "x.toml"); }).starts_with("x.toml:2:"));
  EXPECT_TRUE(error_of([] {
                Configuration::parse("a = 1979-05-27", "x.toml");
              }).starts_with("dates and times"));
}

TEST(Configuration, DepthHasALimit) {
  auto deep = [](size_t parts) {
    std::string key = "a";
    for (size_t i = 1; i < parts; ++i) key += ".a";
    return key;
  };
  EXPECT_EQ(Configuration::parse(deep(100) + " = 1.5", "x").get_double(deep(100)), 1.5);
  const std::string limit = ": more than 100 tables or lists inside each other";
  for (const std::string& text :
       {deep(200'000) + " = 1", "[" + deep(200'000) + "]", "b = {" + deep(200'000) + " = 1}"})
    EXPECT_EQ(error_of([&] { Configuration::parse("# 1\n" + text, "x"); }), "x:2" + limit);
  // Dots in strings and comments are text.
  const std::string dots(500, '.');
  EXPECT_EQ(Configuration::parse("a = \"\\\"" + dots + "\" # " + dots + "\nb = '" + dots + "'" +
                                     "\nc = \"\"\"\n\"" + dots + "\"\"\"",
                                 "x")
                .get_string("b"),
            dots);
  auto config = Configuration::parse("", "x");
  EXPECT_THROW(config.set(deep(200'000) + "=1"), Error);
  config.set("text={" + deep(200'000) + "=1}");  // no TOML: a string
  EXPECT_EQ(config.kind("text"), Configuration::Kind::string);
}

TEST(Configuration, WhatWasSetHasNoColumns) {
  auto config = Configuration::parse("", "x");
  config.set("train.optimizer={name = 3}");
  EXPECT_EQ(error_of([&] { config.get_string("train.optimizer.name"); }),
            "train.optimizer.name: expected a string, found an integer 3\n"
            "  in --set train.optimizer={name = 3}");
}

TEST(Configuration, RejectsUnknownKeysWithSuggestionAndPlace) {
  const auto config = Configuration::parse("[train]\nepohcs = 3\nseed = 1\n", "x.toml");
  config.get_int("train.epochs", 5);
  config.get_int("train.seed");
  EXPECT_EQ(error_of([&] { config.reject_unknown_keys(); }),
            "unknown key train.epohcs\n  x.toml:2:1: train.epohcs: did you mean 'epochs'?");
}

TEST(Configuration, RejectsUnknownTablesAndListElements) {
  const auto config =
      Configuration::parse("layers = [{conv = {filters = 6, kernal = 5}}]\n[trian]\nx = 1", "x");
  config.list("layers")[0].section("conv").get_int("filters");
  config.list("layers")[0].section("conv").get_int("kernel", 3);
  config.section("train");
  EXPECT_EQ(error_of([&] { config.reject_unknown_keys(); }),
            "2 unknown keys\n"
            "  x:1:33: layers.0.conv.kernal: did you mean 'kernel'?\n"
            "  x:2:2: trian: did you mean 'train'?");
}

TEST(Configuration, AcceptsWhatWasRead) {
  const auto config = Configuration::parse("a = 1\n[b]\nc = [1, 2]", "x");
  config.get_int("a");
  config.section("b").get_ints("c");
  EXPECT_EQ(error_of([&] { config.reject_unknown_keys(); }), "no error");
}

TEST(Configuration, SetOverridesAddsAndTakesBareWords) {
  auto config = Configuration::parse(kText, "a.toml");
  config.set("train.epochs=1");
  config.set("train.optimizer.learning_rate = 0.5");
  config.set("model.name=lenet5");
  config.set("model.layers.0.conv.filters=8");
  config.set("data.sizes=[1, 2]");
  EXPECT_EQ(config.get_int("train.epochs"), 1);
  EXPECT_EQ(config.get_double("train.optimizer.learning_rate"), 0.5);
  EXPECT_EQ(config.get_string("model.name"), "lenet5");
  EXPECT_EQ(config.get_int("model.layers.0.conv.filters"), 8);
  EXPECT_EQ(config.get_ints("data.sizes"), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(config.where("train.epochs"), "--set train.epochs=1");
  EXPECT_THROW(config.set("train"), Error);
  EXPECT_THROW(config.set("=3"), Error);
  EXPECT_THROW(config.set("data.batch.size=3"), Error);
  EXPECT_THROW(config.set("model.layers.7=3"), Error);
}

class ConfigurationFiles : public testing::Test {
 protected:
  TemporaryFolder folder_;
};

TEST_F(ConfigurationFiles, StartsFromItsBaseAndStatesChanges) {
  atomic_write(folder_ / "base.toml",
               "[train]\nepochs = 5\nseed = 0\n"
               "optimizer = {name = \"sgd\", momentum = 0.9}\n");
  fs::create_directory(folder_ / "sub");
  atomic_write(folder_ / "sub" / "a.toml",
               "base = \"../base.toml\"\n[train]\nepochs = 1\noptimizer = {name = \"adamw\"}\n");
  const auto config = Configuration::load(folder_ / "sub" / "a.toml");
  EXPECT_EQ(config.get_int("train.epochs"), 1);
  EXPECT_EQ(config.get_int("train.seed"), 0);
  EXPECT_EQ(config.get_string("train.optimizer.name"), "adamw");
  EXPECT_FALSE(config.has("train.optimizer.momentum")) << "options of another optimiser stay away";
  EXPECT_EQ(config.where("train.seed"), (folder_ / "base.toml").string() + ":3:1");
}

TEST_F(ConfigurationFiles, LayersReplaceAModelByName) {
  atomic_write(folder_ / "base.toml", "[model]\nname = \"mlp\"\nhidden = [32]\n");
  atomic_write(folder_ / "a.toml", "base = \"base.toml\"\n[model]\nlayers = [\"relu\"]\n");
  atomic_write(folder_ / "b.toml", "base = \"a.toml\"\n[model]\nname = \"lenet5\"\n");
  const auto layers = Configuration::load(folder_ / "a.toml");
  EXPECT_FALSE(layers.has("model.name"));
  EXPECT_FALSE(layers.has("model.hidden"));
  EXPECT_FALSE(Configuration::load(folder_ / "b.toml").has("model.layers"));
}

TEST_F(ConfigurationFiles, ACycleOrAMissingBaseIsAnError) {
  atomic_write(folder_ / "a.toml", "base = \"b.toml\"");
  atomic_write(folder_ / "b.toml", "base = \"a.toml\"");
  EXPECT_NE(error_of([&] { Configuration::load(folder_ / "a.toml"); }).find("starts from itself"),
            std::string::npos);
  atomic_write(folder_ / "c.toml", "\nbase = \"none.toml\"");
  EXPECT_NE(error_of([&] {
              Configuration::load(folder_ / "c.toml");
            }).find("which is the base of " + (folder_ / "c.toml").string() + ":2:1"),
            std::string::npos);
}

TEST(Configuration, WritesTomlThatReadsBack) {
  const auto config = Configuration::parse(
      "a = 1.0\n\"odd key\" = \"x\\ny\\\"\"\n[b]\nc = [1, {d = true}]\n[e]\n", "x");
  const std::string text = config.to_toml();
  EXPECT_EQ(text, "a = 1.0\n\"odd key\" = \"x\\ny\\\"\"\nb.c = [1, {d = true}]\ne = {}\n");
  EXPECT_EQ(Configuration::parse(text, "y").to_toml(), text);
}

TEST(Configuration, DiffShowsWhatChanged) {
  const auto changes = diff(Configuration::parse("a = 1\nb = 2\nc = 3", "x"),
                            Configuration::parse("a = 1\nb = 5\nd = 4", "y"));
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(changes[0].key + changes[0].before + changes[0].after, "b25");
  EXPECT_EQ(changes[1].key + changes[1].before + changes[1].after, "c3");
  EXPECT_EQ(changes[2].key + changes[2].before + changes[2].after, "d4");
}

}  // namespace
}  // namespace tenon
