// Random programs: whatever is built from smooth ops and control flow, both modes agree with finite
// differences, and vmap equals a loop.
#include <random>

#include "support.h"
#include "tenon/runtime/executable.h"
#include "tenon/transform/hoist.h"
#include "tenon/transform/vjp.h"

namespace tenon {
namespace {

using namespace test;

/// Draws programs on matrices f64[3,3].
class Programs {
 public:
  explicit Programs(uint32_t seed) : random_(seed) {}

  std::unique_ptr<Graph> draw(size_t inputs, size_t steps, int depth) {
    return make_graph(std::vector<std::string>(inputs, "f64[3,3]"), body(steps, depth, 2));
  }

 private:
  size_t below(size_t n) { return random_() % n; }

  Body body(size_t steps, int depth, size_t outputs) {
    return [=, this](Build& b, const Values& in) {
      Values values = in;
      for (size_t i = 0; i < steps; ++i) values.push_back(step(b, values, depth));
      return Values(values.end() - static_cast<std::ptrdiff_t>(outputs), values.end());
    };
  }

  Value step(Build& b, const Values& values, int depth) {
    const Value& x = values[below(values.size())];
    const Value& y = values[below(values.size())];
    switch (below(depth > 0 ? 14 : 11)) {
      case 0:
        return x + y;
      case 1:
        return x * y * 0.5;
      case 2:
        return sin(x) - y;
      case 3:
        return matmul(tanh(x), y) * 0.5;
      case 4:
        return transpose(x, {1, 0});
      case 5:
        return x - reduce_mean(x, {1}, true);
      case 6:
        return concatenate(Values{slice_axis(x, 0, 1, 3), slice_axis(y, 0, 0, 1)}, 0);
      case 7:
        return select(greater(x, y + 0.11), x, y * 0.5);
      case 8:
        return b.call("softmax", {x});
      case 9:
        return gather(tanh(x), b.constant(Literal::of<int32_t>({3}, {2, 0, 2})), 1);
      case 10:
        return cumulative_sum(x, 0) * 0.3;
      case 11:
        return loop(b, x, y, depth);
      case 12:
        return branch(b, x, y, depth);
      default:
        return remat(b, x, y, depth);
    }
  }

  std::vector<std::string> matrices(size_t count) {
    return std::vector<std::string>(count, "f64[3,3]");
  }

  Value loop(Build& b, const Value& x, const Value& y, int depth) {
    GraphRef step =
        make_region({"f64[3,3]", "f64[3,3]", "f64[3]"}, [&](Build& inner, const Values& in) {
          Values values = {in[0], tanh(in[1]), broadcast_to(in[2], in[0].shape())};
          for (int i = 0; i < 4; ++i) values.push_back(this->step(inner, values, depth - 1));
          return Values{values.back(), reduce_sum(values[values.size() - 2], {0})};
        });
    Values results = b.call_multi(b.ops().get("scan"), Values{y, x, sin(x)},
                                  {{"body", step},
                                   {"constants", 1},
                                   {"carries", 1},
                                   {"length", Shape{3}},
                                   {"reverse", below(2) == 0}});
    return tanh(results[0]) + results[1];
  }

  Value branch(Build& b, const Value& x, const Value& y, int depth) {
    GraphRef then = make_region(matrices(2), body(3, depth - 1, 1));
    GraphRef otherwise = make_region(matrices(2), body(3, depth - 1, 1));
    Value predicate = greater(reduce_sum(x, {0, 1}), reduce_sum(y, {0, 1}) - 0.37);
    return b.call_multi(b.ops().get("cond"), Values{predicate, x, y},
                        {{"then", then}, {"otherwise", otherwise}})[0];
  }

  Value remat(Build& b, const Value& x, const Value& y, int depth) {
    GraphRef region = make_region(matrices(2), body(3, depth - 1, 1));
    return b.call_multi(b.ops().get("call"), Values{x, y}, {{"body", region}, {"remat", true}})[0];
  }

  std::mt19937 random_;
};

class RandomProgram : public testing::TestWithParam<uint32_t> {};

TEST_P(RandomProgram, TransformsAgree) {
  auto f = Programs(GetParam()).draw(2, 8, 2);
  expect_derivatives_agree(*f);
  expect_vmap_is_a_loop(*f, {0, std::nullopt}, 2);
  auto g = vjp(*f, core_ops());
  expect_derivatives_agree(*g);
  expect_vmap_is_a_loop(*g, {std::nullopt, 0, 0, 0}, 2);
  if (auto hoisted = hoist_from_loops(*g, core_ops())) {
    auto inputs = some_inputs(*g);
    auto expected = run(*g, inputs);
    auto actual = run(*hoisted, inputs);
    for (size_t i = 0; i < expected.size(); ++i) expect_near(actual[i], expected[i]);
  }
}

TEST_P(RandomProgram, CompiledEqualsReference) {
  auto f = Programs(1000 + GetParam()).draw(2, 8, 2);
  auto g = vjp(*f, core_ops());
  for (const Graph* graph : {f.get(), g.get()}) {
    auto inputs = some_inputs(*graph);
    auto expected = run(*graph, inputs);
    std::vector<Buffer> buffers;
    for (const Literal& input : inputs) buffers.push_back(Buffer::copy_of(input));
    auto actual = compile(*graph, core_ops())->run(buffers);
    for (size_t i = 0; i < expected.size(); ++i) {
      expect_near(actual[i].to_literal(), expected[i], 1e-8);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomProgram, testing::Range(0u, 30u));

}  // namespace
}  // namespace tenon
