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
              HasSubstr("'encoder.0.bias' is f32[2] in the tree, and f32[3] is wanted"));
  model.head = Layer{zeros({1}), zeros({1})};
  EXPECT_THAT(error_of([&] { from_tree(to_tree(some_model()), model); }),
              HasSubstr("no tensor 'head.weight'"));
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
  EXPECT_THAT(error_of([&] { map_leaves(second, tree, longer); }), HasSubstr("number of leaves"));
  EXPECT_THAT(error_of([&] { map_leaves(second, longer, tree); }), HasSubstr("number of leaves"));
}

}  // namespace
}  // namespace tenon
