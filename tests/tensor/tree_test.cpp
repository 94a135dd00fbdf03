#include "tenon/tensor/tree.h"

#include <gmock/gmock.h>

#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Layer {
  Tensor weight, bias;
};
struct Nested {
  Tensor value;
  std::vector<Nested> children;
};
struct Pointing {
  Layer layer;
  Tensor* tensor;
};
struct Constructed {
  Constructed(int) {}
};
static_assert(TreeLike<std::pair<Layer, std::optional<std::map<std::string, Nested>>>>);
static_assert(!TreeLike<std::map<int, Tensor>>);
static_assert(std::is_same_v<detail::WrongPart<std::vector<Pointing>>, Tensor*>);
static_assert(std::is_same_v<detail::WrongPart<std::tuple<Layer, Constructed>>, Constructed>);

struct Model {
  std::vector<Layer> encoder;
  std::optional<Layer> head;
  std::map<std::string, Tensor> scales;
  std::pair<Tensor, Tensor> range;
  int64_t width = 0;
};

Model some_model() {
  return {{{zeros({2, 3}), zeros({3})}, {ones({3, 2}), ones({2})}},
          std::nullopt,
          {{"in", Tensor(1.0)}},
          {Tensor(0.0), Tensor(2.0)},
          2};
}

TEST(Tree, PathsOfAggregatesAreTheNamesOfTheirMembers) {
  Model model = some_model();
  EXPECT_THAT(leaf_paths(model),
              ElementsAre("encoder.0.weight", "encoder.0.bias", "encoder.1.weight",
                          "encoder.1.bias", "scales.in", "range.0", "range.1"));
  model.head = Layer{zeros({1}), zeros({1})};
  EXPECT_THAT(leaf_paths(model.head), ElementsAre("weight", "bias"));
  EXPECT_EQ(leaf_paths(model)[4], "head.weight");
  struct Local {
    Tensor x_1;
  };
  EXPECT_THAT(leaf_paths(std::vector<Local>(1)), ElementsAre("0.x_1"));
}

TEST(Tree, OptionalMembersAreLeavesWhereTheyHaveAValue) {
  Model model = some_model();
  auto loss = [](const Model& m) {
    Tensor y = sum(m.encoder[1].weight);
    return m.head ? y * sum(m.head->weight) : y;
  };
  auto fast = jit(loss);
  EXPECT_EQ(fast(model).item(), 6);
  model.head = Layer{Tensor{2, 3}, Tensor{0.0}};
  EXPECT_EQ(fast(model).item(), 30);
  Model gradient = grad(loss)(model);
  EXPECT_THAT(values_of(gradient.head->weight), ElementsAre(6, 6));
}

TEST(Tree, AnyTreeIsATreeByPaths) {
  Model model = some_model();
  Tree tree = to_tree(model);
  EXPECT_EQ(tree.paths(), leaf_paths(model));
  tree["encoder.0.bias"] = Tensor{1, 2, 3};
  Model changed = from_tree(tree, model);
  EXPECT_THAT(values_of(changed.encoder[0].bias), ElementsAre(1, 2, 3));
  EXPECT_EQ(changed.width, 2);

  tree["encoder.0.bias"] = Tensor{1, 2};
  EXPECT_THAT(error_of([&] { from_tree(tree, model); }),
              HasSubstr("'encoder.0.bias' is f32[2] in the tree, but f32[3] is expected"));
  tree["encoder.0.bias"].set_name("bias, loaded from old.safetensors");
  EXPECT_THAT(error_of([&] { from_tree(tree, model); }), HasSubstr("loaded from old.safetensors"));
  model.head = Layer{zeros({1}), zeros({1})};
  EXPECT_THAT(error_of([&] { from_tree(to_tree(some_model()), model); }),
              HasSubstr("no tensor 'head.weight'"));
}

/// Leaves in the order of the names.
Tree numbers(const std::vector<std::pair<std::string, double>>& leaves) {
  Tree tree;
  for (const auto& [path, value] : leaves) tree[path] = Tensor(value);
  return tree;
}

TEST(Tree, TreesMeetByPathsNotByOrder) {
  Tree ab = numbers({{"a", 1}, {"b", 10}}), ba = numbers({{"b", 5}, {"a", 2}});
  auto f = [](const Tree& t) { return t.at("a") * 3 + t.at("b"); };
  EXPECT_EQ(jvp(f, ab, ba).tangent.item(), 11);
  auto identity = [](const Tree& t) { return t; };
  EXPECT_EQ(vjp(identity, ab).second(ba).at("a").item(), 2);
  Tree sum = map_leaves([](const Tensor& x, const Tensor& y) { return x + y; }, ab, ba);
  EXPECT_EQ(sum.at("b").item(), 15);

  auto swap = [](const Tree& t) {
    Tree next;
    next["b"] = t.at("b") + 1;
    next["a"] = t.at("a") * 2;
    return next;
  };
  auto last =
      scan([&](const Tree& t, const Tensor& x) { return std::pair{swap(t), x}; }, ab, zeros({3}))
          .first;
  EXPECT_EQ(last.at("a").item(), 8);
  EXPECT_EQ(last.at("b").item(), 13);
  Tree end = while_loop([](const Tree& t) { return t.at("b") < 12; }, swap, ab);
  EXPECT_EQ(end.at("a").item(), 4);
  EXPECT_EQ(end.at("b").item(), 12);
  auto taken = [&](double x) { return cond(Tensor(x) > 0, identity, swap, ab); };
  EXPECT_EQ(taken(1).at("a").item(), 1);
  EXPECT_EQ(taken(-1).at("a").item(), 2);
  EXPECT_EQ(taken(-1).at("b").item(), 11);
}

TEST(Tree, OtherPathsAreErrors) {
  Tree w = numbers({{"w", 1}}), v = numbers({{"v", 1}}), both = numbers({{"w", 1}, {"v", 1}});
  auto first = [](const Tensor& x, const Tensor&) { return x; };
  EXPECT_THAT(error_of([&] { map_leaves(first, w, v); }), HasSubstr("map_leaves: there is no 'w'"));
  EXPECT_THAT(error_of([&] { map_leaves(first, w, both); }), HasSubstr("'v' is one too many"));
  EXPECT_THAT(error_of([&] { with_leaves(w, std::vector<Tensor>{}); }),
              HasSubstr("0 tensors for 1 leaves"));
}

TEST(Tree, FindsPaths) {
  Tree tree;
  tree["a.b"] = Tensor{1, 2};
  tree["a.c"] = Tensor{3};
  EXPECT_EQ(tree.leaf_count(), 2u);
  EXPECT_EQ(tree.at("a.c").item(), 3);
  EXPECT_EQ(tree.child("a").at("b").item(1), 2);
  EXPECT_EQ(tree.find("a.x"), nullptr);
  EXPECT_THAT(error_of([&] { tree.at("a.d"); }), HasSubstr("the tree has no tensor 'a.d'"));
  EXPECT_THAT(error_of([&] { tree["a.b.c"] = Tensor(1); }), HasSubstr("below a tensor"));
}

TEST(Tree, ReadingWhatWasNeverSetNamesThePath) {
  Tree batch;
  batch["image"] = Tensor{1, 2};
  batch["meta.label"] = Tensor{3};
  std::string text = error_of([&] { batch["imgae"] + 1; });
  EXPECT_THAT(text, HasSubstr("the tree has no tensor 'imgae'"));
  EXPECT_THAT(text, HasSubstr("did you mean 'image'?"));
  EXPECT_THAT(error_of([&] { batch["meta.lable"].item(); }), HasSubstr("'meta.label'?"));
  EXPECT_FALSE(batch["imgae"].has_value());
  batch["imgae"] = Tensor{5};
  EXPECT_EQ(batch["imgae"].item(), 5);
  EXPECT_THAT(error_of([] { Tree().at("image"); }), HasSubstr("the tree is empty"));
}

TEST(Tree, NamesThatEndInADotAreNamesOfTheirOwn) {
  Tree tree;
  tree["a"] = Tensor{1};
  tree["b."] = Tensor{2};
  EXPECT_THAT(tree.paths(), ElementsAre("a", "b."));
  EXPECT_EQ(tree.at("b.").item(), 2);
  EXPECT_THAT(error_of([&] { tree["b"] = Tensor(3); }), HasSubstr("'b' is a subtree"));
}

TEST(Tree, MapsLeaves) {
  std::pair<Tensor, std::vector<Tensor>> tree{Tensor{1}, {Tensor{2}, Tensor{3}}};
  auto sum = map_leaves([](Tensor a, Tensor b) { return a + b; }, tree, tree);
  EXPECT_EQ(sum.second[1].item(), 6);
  EXPECT_THAT(leaf_paths(tree), ElementsAre("0", "1.0", "1.1"));
  auto longer = tree;
  longer.second.push_back(Tensor{4});
  auto second = [](Tensor, Tensor b) { return b; };
  EXPECT_THAT(error_of([&] { map_leaves(second, tree, longer); }), HasSubstr("1.2"));
  EXPECT_THAT(error_of([&] { map_leaves(second, longer, tree); }), HasSubstr("1.2"));
}

// Beyond some number, children are found by an index.
TEST(Tree, OfManyChildrenFindsEachAndKeepsTheirOrder) {
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back("leaf" + std::to_string(i * 7919 % 300));
  Tree tree;
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(tree.find(names[i]), nullptr);
    if (i % 2 == 0) tree.set(names[i], Tensor(static_cast<int>(i)));
    if (i % 2 == 1) tree[names[i] + ".inner"] = Tensor(static_cast<int>(i));
  }
  const Tree copy = tree;
  Tree moved = std::move(tree);
  for (const Tree* same : {&copy, &std::as_const(moved)}) {
    for (size_t i = 0; i < names.size(); ++i) {
      const std::string path = i % 2 == 0 ? names[i] : names[i] + ".inner";
      EXPECT_EQ(same->at(path).item_int(), static_cast<int64_t>(i));
      EXPECT_EQ(same->children()[i].first, names[i]);
    }
    EXPECT_EQ(same->find("leaf300"), nullptr);
    EXPECT_EQ(same->find(""), same);
    EXPECT_EQ(same->leaf_count(), 300u);
  }
  moved.set("leaf0", Tensor(-1));
  EXPECT_EQ(moved.at("leaf0").item_int(), -1);
  EXPECT_EQ(moved.leaf_count(), 300u);
  Tree mapped = map_leaves([](const Tensor& x) { return x + 1; }, copy);
  EXPECT_EQ(mapped.at(names[10]).item_int(), 11);
  try {
    (void)copy.at("leaf1000");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
}

}  // namespace
}  // namespace tenon
