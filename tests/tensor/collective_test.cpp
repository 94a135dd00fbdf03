// Programs that are spread over participants by a named vmap.
#include <gmock/gmock.h>

#include "tenon/tensor/functions.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/random.h"
#include "tenon/tensor/transforms.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::AllOf;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pointwise;

void expect_near(const Tensor& actual, const Tensor& wanted) {
  ASSERT_EQ(actual.type().to_string(), wanted.type().to_string());
  EXPECT_THAT(values_of(actual), Pointwise(DoubleNear(1e-5), values_of(wanted)));
}

struct Model {
  Tensor weight, bias;
};

Tensor loss(const Model& model, const Tensor& x, const Tensor& y) {
  return mean(square(matmul(x, model.weight) + model.bias - y));
}

TEST(DataParallel, GradientsOfReplicasAverageToThoseOfTheBatch) {
  Model model{random::normal(random::key(1), {3, 2}), Tensor{0.5, -1.0}};
  Tensor x = random::normal(random::key(2), {8, 3}), y = random::normal(random::key(3), {8, 2});
  auto replica = [](const Model& m, Tensor part_x, Tensor part_y) {
    Model gradient = grad(loss)(m, part_x, part_y);
    return map_leaves([](Tensor g) { return all_reduce(g, "data", "mean"); }, gradient);
  };
  auto parallel = vmap(replica, {.in = {none, 0, 0}, .out = none, .axis_name = "data"});
  Model spread = parallel(model, x.reshape({4, 2, 3}), y.reshape({4, 2, 2}));
  Model whole = grad(loss)(model, x, y);
  expect_near(spread.weight, whole.weight);
  expect_near(spread.bias, whole.bias);
}

TEST(DataParallel, TrainsAsTheWholeBatchDoes) {
  Tensor x = random::normal(random::key(2), {8, 3}), y = random::normal(random::key(3), {8, 2});
  auto step = [](auto gradient_of) {
    return jit([=](Model m, Tensor batch_x, Tensor batch_y) {
      Model g = gradient_of(m, batch_x, batch_y);
      return Model{m.weight - 0.1 * g.weight, m.bias - 0.1 * g.bias};
    });
  };
  auto whole = step(grad(loss));
  auto parallel = step(vmap(
      [](const Model& m, Tensor part_x, Tensor part_y) {
        return map_leaves([](Tensor g) { return all_reduce(g, "data", "mean"); },
                          grad(loss)(m, part_x, part_y));
      },
      {.in = {none, 0, 0}, .out = none, .axis_name = "data"}));
  Model a{zeros({3, 2}), zeros({2})}, b = a;
  for (int i = 0; i < 5; ++i) {
    a = whole(a, x, y);
    b = parallel(b, x.reshape({2, 4, 3}), y.reshape({2, 4, 2}));
  }
  expect_near(b.weight, a.weight);
  expect_near(b.bias, a.bias);
}

/// Batch statistics that cross replicas: the gradient flows through the collective.
TEST(DataParallel, SynchronisedStatisticsHaveTheGradientOfTheBatch) {
  Tensor w{0.5, -1.0, 2.0}, x = random::normal(random::key(2), {8, 3});
  auto whole = [](Tensor weight, Tensor all) {
    Tensor h = all * weight;
    return mean(square(sin(h - mean(h, {0}, true))));
  };
  auto part = [](Tensor weight, Tensor some) {
    Tensor h = some * weight;
    return mean(square(sin(h - all_reduce(mean(h, {0}, true), "data", "mean"))));
  };
  auto replica = [&](Tensor weight, Tensor some) {
    return all_reduce(grad(part)(weight, some), "data", "mean");
  };
  VmapAxes axes{.in = {none, 0}, .out = none, .axis_name = "data"};
  expect_near(vmap(replica, axes)(w, x.reshape({4, 2, 3})), grad(whole)(w, x));
  auto mapped_first = grad([&](Tensor weight) {
    return mean(vmap(part, {.in = {none, 0}, .axis_name = "data"})(weight, x.reshape({4, 2, 3})));
  });
  expect_near(mapped_first(w), grad(whole)(w, x));
}

TEST(Mesh, AProductOfBlocksOnTwoNamedAxes) {
  Tensor a = random::normal(random::key(1), {4, 6}), b = random::normal(random::key(2), {6, 8});
  // Participant (i, j) of a 2 x 2 mesh holds a block of each, and collects what it multiplies.
  auto blocks = [](Tensor m) {
    int64_t rows = m.dim(0).constant() / 2, columns = m.dim(1).constant() / 2;
    return transpose(m.reshape({2, rows, 2, columns}), {0, 2, 1, 3});
  };
  auto participant = [](Tensor block_a, Tensor block_b) {
    return matmul(all_gather(block_a, "columns", 1), all_gather(block_b, "rows", 0));
  };
  auto on_mesh = vmap(vmap(participant, {.axis_name = "columns"}), {.axis_name = "rows"});
  expect_near(on_mesh(blocks(a), blocks(b)), blocks(matmul(a, b)));

  auto place =
      vmap(vmap([](Tensor x) { return x + 10 * axis_index("rows") + axis_index("columns"); },
                {.axis_name = "columns"}),
           {.axis_name = "rows"});
  EXPECT_THAT(values_of(place(zeros({2, 3}))), ElementsAre(0, 1, 2, 10, 11, 12));
  auto sums = vmap(vmap([](Tensor x) { return all_reduce(x, "rows"); }, {.axis_name = "columns"}),
                   {.axis_name = "rows"});
  EXPECT_THAT(values_of(sums(Tensor{{1, 2}, {3, 4}})), ElementsAre(4, 6, 4, 6));
}

TEST(Mesh, JitServesAnyNumberOfParticipants) {
  auto f = jit(vmap(
      [](Tensor x) {
        Tensor all = all_gather(x, "data");
        return std::pair{all, collective_permute(x, "data", 1)};
      },
      {.axis_name = "data"}));
  for (int64_t participants = 2; participants < 5; ++participants) {
    auto [all, from_neighbour] = f(arange(participants).reshape({participants, 1}));
    EXPECT_EQ(all.type(), (Type{DType::i32, {participants, participants}}));
    EXPECT_EQ(from_neighbour.item(0), static_cast<double>(participants - 1));
    EXPECT_EQ(from_neighbour.item(1), 0);
  }
  EXPECT_EQ(f.compilations(), 2u);
}

TEST(Mesh, ACollectiveOutsideOfItsAxisSaysSo) {
  Tensor x{1, 2};
  EXPECT_THAT(
      error_of([&] { all_reduce(x, "data").eval(); }),
      AllOf(HasSubstr("all_reduce: axis 'data' is not bound"), HasSubstr("vmap(f, {.axis_")));
  EXPECT_THAT(error_of([&] { all_gather(x, "data"); }),
              HasSubstr("all_gather: the size of axis 'data' is not known"));
  EXPECT_THAT(error_of([&] {
                vmap([](Tensor row) { return all_gather(row, "dta"); },
                     {.axis_name = "data"})(x.reshape({2, 1}));
              }),
              HasSubstr("the size of axis 'dta' is not known"));
  EXPECT_THAT(values_of(all_gather(x, "data", 0, {1})), ElementsAre(1, 2));
  EXPECT_THAT(error_of([&] {
                vmap([](Tensor row) { return row + axis_index("data"); },
                     {.out = none, .axis_name = "data"})(x);
              }),
              HasSubstr("depends on the batch, but has no axis for it"));
}

}  // namespace
}  // namespace tenon
