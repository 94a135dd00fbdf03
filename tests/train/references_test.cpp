// What a temporary gives holds nothing that goes with it: a value, or it does not compile.
#include <gmock/gmock.h>

#include <type_traits>

#include "tenon/base/files.h"
#include "tenon/data/dataset.h"
#include "tenon/data/prefetch.h"
#include "tenon/format/safetensors.h"
#include "tenon/format/zip.h"
#include "tenon/nn/optimizer.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/tree.h"
#include "tenon/train/checkpoint.h"
#include "tenon/train/fit.h"
#include "tenon/train/model.h"
#include "tests/support.h"

namespace tenon {
namespace {

using testing::ElementsAre;

/// `call` of a temporary T gives a value.
template <class T, class Call>
constexpr bool kGivesValue = std::is_object_v<std::invoke_result_t<Call, T>> &&
                             !std::is_pointer_v<std::invoke_result_t<Call, T>>;
/// `call` compiles for a T with a name, and not for a temporary.
template <class T, class Call>
constexpr bool kNeedsName = std::is_invocable_v<Call, const T&> && !std::is_invocable_v<Call, T>;

// The expression, with `it` perfectly forwarded and overloads that are deleted seen.
#define ON(expression)                                                        \
  decltype([](auto&& it) -> decltype(auto)                                    \
             requires requires { std::forward<decltype(it)>(it).expression; } \
           { return std::forward<decltype(it)>(it).expression; })

static_assert(kGivesValue<Tensor, ON(type())>);
static_assert(kGivesValue<Tensor, ON(shape())>);
static_assert(kGivesValue<Tensor, ON(dim(0))>);
static_assert(kGivesValue<Tensor, ON(eval())>);
static_assert(kGivesValue<Tensor, ON(buffer())>);
static_assert(kGivesValue<Tensor, ON(node())>);
static_assert(kGivesValue<Tensor, ON(set_name("x"))>);
static_assert(kNeedsName<Tensor, ON(template values<float>())>);
static_assert(kGivesValue<Index, ON(what())>);
static_assert(kGivesValue<Tree, ON(leaf())>);
static_assert(kGivesValue<Tree, ON(children())>);
static_assert(kGivesValue<Tree, ON(at("a"))>);
static_assert(kGivesValue<Tree, ON(operator[]("a"))>);
static_assert(kNeedsName<Tree, ON(find("a"))>);
static_assert(!std::is_invocable_v<ON(child("a")), Tree>);

static_assert(kGivesValue<Shape, ON(operator[](0))>);
static_assert(kGivesValue<Shape, ON(dims())>);
static_assert(kNeedsName<Shape, ON(begin())>);
static_assert(kNeedsName<Shape, ON(end())>);
static_assert(kGivesValue<Type, ON(dim(0))>);
static_assert(kGivesValue<Literal, ON(shape())>);
static_assert(kNeedsName<Literal, ON(data())>);
static_assert(kNeedsName<Literal, ON(template values<float>())>);
static_assert(kGivesValue<Buffer, ON(shape())>);
static_assert(kNeedsName<Buffer, ON(data())>);
static_assert(kNeedsName<Buffer, ON(template as<float>())>);

static_assert(kNeedsName<Attribute, ON(template get_if<bool>())>);
static_assert(kGivesValue<Attribute, ON(storage())>);
static_assert(kNeedsName<Attributes, ON(begin())>);
static_assert(kNeedsName<Attributes, ON(end())>);
static_assert(kNeedsName<Attributes, ON(find("a"))>);
static_assert(kGivesValue<Attributes, ON(string("a"))>);
static_assert(kGivesValue<Attributes, ON(integers("a"))>);
static_assert(kGivesValue<Attributes, ON(reals("a"))>);
static_assert(kGivesValue<Attributes, ON(shape("a"))>);
static_assert(kGivesValue<Attributes, ON(literal("a"))>);
static_assert(kGivesValue<Attributes, ON(graph("a"))>);
static_assert(kGivesValue<Attributes, ON(types("a"))>);

static_assert(kGivesValue<Graph, ON(name())>);
static_assert(kGivesValue<Graph, ON(inputs())>);
static_assert(kGivesValue<Graph, ON(input_names())>);
static_assert(kGivesValue<Graph, ON(outputs())>);
static_assert(kGivesValue<Graph, ON(output_names())>);
static_assert(kGivesValue<Graph, ON(node(0))>);
static_assert(kGivesValue<Graph, ON(nodes())>);
static_assert(kGivesValue<Graph, ON(value(ValueId()))>);
static_assert(kGivesValue<Graph, ON(type(ValueId()))>);
static_assert(kGivesValue<Graph, ON(symbol_bounds())>);
static_assert(kGivesValue<Graph, ON(conditions())>);
static_assert(kNeedsName<Graph, ON(producer(ValueId()))>);
static_assert(!std::is_invocable_v<ON(mutable_node(0)), Graph>);

static_assert(kGivesValue<Error, ON(message())>);
static_assert(kGivesValue<Error, ON(notes())>);
static_assert(kNeedsName<MappedFile, ON(bytes())>);
static_assert(kNeedsName<MappedFile, ON(text())>);
static_assert(kGivesValue<MappedFile, ON(path())>);
static_assert(kGivesValue<SafetensorsFile, ON(tensors())>);
static_assert(kGivesValue<SafetensorsFile, ON(metadata())>);
static_assert(kGivesValue<SafetensorsFile, ON(at("a"))>);
static_assert(kNeedsName<SafetensorsFile, ON(bytes(SafetensorsEntry()))>);
static_assert(kGivesValue<ZipReader, ON(entries())>);
static_assert(kGivesValue<data::Dataset, ON(operator[]("a"))>);
static_assert(kGivesValue<data::Dataset, ON(classes())>);
static_assert(kGivesValue<data::Dataset, ON(columns())>);
static_assert(kGivesValue<data::HostBatch, ON(at("a"))>);
static_assert(kGivesValue<nn::Scope, ON(path())>);
static_assert(kGivesValue<nn::Optimizer, ON(name())>);
static_assert(kGivesValue<nn::Optimizer, ON(learning_rate())>);
static_assert(kGivesValue<train::Model, ON(variables())>);
static_assert(kGivesValue<train::Model, ON(classes())>);
static_assert(kGivesValue<train::Model, ON(example())>);
static_assert(kGivesValue<train::Model, ON(graph())>);
static_assert(kGivesValue<train::Model, ON(about())>);
static_assert(kGivesValue<train::CheckpointFolder, ON(folder())>);
static_assert(kNeedsName<train::History, ON(best())>);

#undef ON

TEST(References, OfTemporariesAreValues) {
  Tensor a = ones({2, 3}), b = ones({4, 2, 3});
  std::vector<int64_t> sizes;
  for (Dim d : (a + b).shape()) sizes.push_back(d.constant());
  for (const Dim& d : (a + b).type().shape) sizes.push_back(d.constant());
  for (const Dim& d : (a + b).shape().dims()) sizes.push_back(d.constant());
  EXPECT_THAT(sizes, ElementsAre(4, 2, 3, 4, 2, 3, 4, 2, 3));
  const Dim& first = (a + b).dim(0);
  const Shape& shape = (a * 2.0).shape();
  const Dim& last = (a * 2.0).shape()[1];
  EXPECT_EQ(first, Dim(4));
  EXPECT_EQ(shape, (Shape{2, 3}));
  EXPECT_EQ(last, Dim(3));
  auto tree = [&] {
    Tree made;
    made["x"] = a;
    return made;
  };
  std::vector<std::string> names;
  for (const auto& [name, child] : tree().children()) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("x"));
  const Tensor& x = tree()["x"];
  EXPECT_EQ(x.item(0), 1);
}

}  // namespace
}  // namespace tenon
