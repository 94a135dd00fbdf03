// Random graphs compiled and by reference: what passes, fusion, schedules and the memory plan do to
// ops next to one another, which tests of single ops never meet.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tenon/base/error.h"
#include "tenon/base/random.h"
#include "tenon/graph/text.h"
#include "tenon/interpret/interpret.h"
#include "tenon/ops/value_functions.h"
#include "tenon/transform/vjp.h"
#include "tests/run.h"

namespace tenon {
namespace {

/// Grows a graph by calls on values it already has. All values are smooth functions of the inputs
/// and stay in a small range, so that rounding does not grow.
class Grower {
 public:
  /// `mixed`: some values pass through half precision.
  Grower(uint64_t seed, DType dtype, bool mixed)
      : stream_(RandomKey(seed).fold_in("random graph")),
        dtype_(dtype),
        mixed_(mixed),
        build_(graph_, core_ops()) {
    size_t inputs = 1 + below(3);
    for (size_t i = 0; i < inputs; ++i) {
      Shape shape;
      for (size_t rank = below(4); rank > 0; --rank) shape.push_back(some_dim());
      if (i == 0 && below(2) == 0) shape.insert(0, Dim::symbol("n"));
      values_.push_back(build_.input("x" + std::to_string(i), {dtype, shape}));
    }
  }

  std::unique_ptr<Graph> grow(size_t calls) {
    for (size_t i = 0; i < calls; ++i) {
      Value next = call(some_value());
      Dim count = next.type().shape.element_count();
      if (count.evaluate({{"n", 7}}) <= 20000) values_.push_back(next);
    }
    std::vector<ValueId> outputs;
    for (size_t i = 0; i < 1 + below(3); ++i) outputs.push_back(some_value().id());
    outputs.push_back(values_.back().id());
    graph_.set_outputs(std::move(outputs));
    return std::make_unique<Graph>(graph_);
  }

 private:
  size_t below(size_t bound) {
    return static_cast<size_t>(stream_.below(static_cast<int64_t>(bound)));
  }
  Dim some_dim() {
    constexpr int64_t kDims[] = {1, 2, 3, 4, 8, 17, 33, 70};
    return kDims[below(std::size(kDims))];
  }
  /// Recent values more often: chains fuse.
  Value some_value() {
    size_t back = std::min(below(values_.size()), below(values_.size()));
    return values_[values_.size() - 1 - back];
  }
  size_t some_axis(Value x) { return below(x.rank()); }

  Value call(Value x) {
    if (mixed_ && below(5) == 0) return through_half(x);
    switch (below(x.rank() == 0 ? 6 : 16)) {
      case 0:
      case 1:
        return unary(x);
      case 2:
      case 3:
        return binary(x);
      case 4:
        return select(greater(like(x), 0.1), tanh(x), x * 0.5);
      case 5:
        return repeat(x);
      case 6:
        return reduce(x);
      case 7: {
        Integers order(x.rank());
        std::iota(order.begin(), order.end(), int64_t{0});
        shuffle(RandomKey(below(1000)), std::span<int64_t>(order));
        return transpose(x, order);
      }
      case 8:
        return reverse(x, {static_cast<int64_t>(some_axis(x))});
      case 9:
        return join(x);
      case 10:
        return cut(x);
      case 11:
        return surround(x);
      case 12:
        return reshape(x, {-1});
      case 13:
        return pick(x);
      case 14:
        return build_.call("softmax", {x}, {{"axis", static_cast<int64_t>(some_axis(x))}});
      default:
        return cumulative_sum(x, static_cast<int64_t>(some_axis(x)), below(2) == 0) * 0.1;
    }
  }

  Value unary(Value x) {
    switch (below(6)) {
      case 0:
        return tanh(x);
      case 1:
        return sin(x);
      case 2:
        return logistic(x);
      case 3:
        return exp(minimum(x, 1.0));
      case 4:
        return log1p(x * x);
      default:
        return rsqrt(x * x + 1.0);
    }
  }

  /// A value of the same shape, from elsewhere in the graph where there is one.
  Value like(Value x) {
    for (int trial = 0; trial < 4; ++trial) {
      Value other = some_value();
      if (other.shape() == x.shape()) return other;
      if (other.rank() == 0) return broadcast_to(other, x.shape());
      if (x.rank() > 0 && other.rank() == 1 && other.dim(0) == x.dim(x.rank() - 1))
        return broadcast(other, x.shape(), {static_cast<int64_t>(x.rank()) - 1});
    }
    return x;
  }

  Value binary(Value x) {
    Value y = like(x);
    switch (below(5)) {
      case 0:
        return x + y;
      case 1:
        return x - y * 0.25;
      case 2:
        return tanh(x) * y;
      case 3:
        return x / (y * y + 1.0);
      default:
        return maximum(x, y);
    }
  }

  /// What is done in half precision here is exact, so that it does not matter whether fused code
  /// rounds between two operations.
  Value through_half(Value x) {
    Value half = cast(x, below(2) == 0 ? DType::f16 : DType::bf16);
    switch (below(5)) {
      case 0:
        half = -half;
        break;
      case 1:
        half = maximum(half, half * 0.5);
        break;
      case 2:
        half = select(greater(half, 0.1), half, abs(half));
        break;
      case 3:
        half = x.rank() > 0 ? reverse(half, {0}) : half;
        break;
      default:
        if (x.rank() > 0)
          half = reduce_max(half, {static_cast<int64_t>(some_axis(x))}, below(2) == 0);
    }
    return cast(half, dtype_);
  }

  Value repeat(Value x) {
    if (x.rank() > 3) return x;
    Shape shape = x.shape();
    Integers dims;
    size_t at = below(x.rank() + 1);
    shape.insert(at, some_dim());
    for (size_t i = 0; i < x.rank(); ++i) dims.push_back(static_cast<int64_t>(i < at ? i : i + 1));
    return broadcast(x, shape, dims);
  }

  Value reduce(Value x) {
    Integers axes;
    for (size_t i = 0; i < x.rank(); ++i) {
      if (below(2) == 0) axes.push_back(static_cast<int64_t>(i));
    }
    if (axes.empty()) axes.push_back(0);
    bool keep = below(2) == 0;
    return below(3) == 0 ? reduce_max(x, axes, keep) : reduce_mean(x, axes, keep);
  }

  Value join(Value x) {
    Value parts[] = {x, like(x), x * 2.0};
    return concatenate(std::span(parts, 2 + below(2)), static_cast<int64_t>(some_axis(x)));
  }

  Value cut(Value x) {
    size_t axis = some_axis(x);
    Shape start = Shape(std::vector<Dim>(x.rank(), Dim(0)));
    Integers stride(x.rank(), 1);
    if (x.dim(axis).is(1)) return x;
    start[axis] = 1;
    if (x.dim(axis).is_constant()) stride[axis] = 1 + static_cast<int64_t>(below(3));
    return slice(x, start, x.shape(), stride);
  }

  Value surround(Value x) {
    Shape low, high;
    Integers interior;
    for (size_t i = 0; i < x.rank(); ++i) {
      low.push_back(static_cast<int64_t>(below(3)));
      high.push_back(static_cast<int64_t>(below(3)));
      interior.push_back(static_cast<int64_t>(below(2)));
    }
    return pad(x, build_.full({dtype_, {}}, 0.5), low, high, interior);
  }

  Value pick(Value x) {
    size_t axis = some_axis(x);
    Value indices = iota(build_, DType::i32, {some_dim()}, 0);
    indices = remainder(indices * 3.0, build_.full_like(indices, 5));  // some may be out of range
    return gather(x, indices, static_cast<int64_t>(axis));
  }

  RandomStream stream_;
  DType dtype_;
  bool mixed_;
  Graph graph_{"random"};
  Build build_;
  std::vector<Value> values_;
};

std::vector<Literal> some_inputs(const Graph& graph, uint64_t seed) {
  std::vector<Literal> inputs;
  for (const Type& type : graph.input_types()) {
    Literal literal(type.dtype, type.shape.evaluate({{"n", 7}}));
    RandomStream stream(RandomKey(seed).fold_in(inputs.size()));
    for (int64_t i = 0; i < literal.size(); ++i) literal.set_double(i, stream.uniform() * 2 - 1);
    inputs.push_back(std::move(literal));
  }
  return inputs;
}

void expect_close(const Literal& got, const Literal& wanted, double tolerance) {
  ASSERT_EQ(got.type(), wanted.type());
  for (int64_t i = 0; i < got.size(); ++i) {
    double error = std::fabs(got.to_double(i) - wanted.to_double(i));
    ASSERT_LE(error, tolerance * std::max(1.0, std::fabs(wanted.to_double(i))))
        << "element " << i << ": " << got.to_double(i) << " instead of " << wanted.to_double(i);
  }
}

void check_graph(const Graph& graph, uint64_t seed, double tolerance,
                 const ScheduleChooser& schedule = default_schedule) {
  SCOPED_TRACE(to_text(graph));
  std::vector<Literal> inputs = some_inputs(graph, seed);
  auto executable = compile(graph, core_ops(), {.schedule = schedule});
  std::vector<Literal> one = run(*executable, inputs, 1), two = run(*executable, inputs, 2);
  EXPECT_EQ(one, two) << "the result depends on the number of threads";
  std::vector<Literal> wanted = interpret(graph, inputs);
  for (size_t i = 0; i < wanted.size(); ++i) expect_close(one[i], wanted[i], tolerance);
}

class RandomGraph : public testing::TestWithParam<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraph, testing::Range(uint64_t{0}, uint64_t{8}));

TEST_P(RandomGraph, CompiledEqualsReference) {
  for (uint64_t k = 0; k < 12 && !HasFailure(); ++k) {
    uint64_t seed = GetParam() * 1000 + k;
    SCOPED_TRACE("seed " + std::to_string(seed));
    DType dtype = k % 2 == 0 ? DType::f64 : DType::f32;
    bool wide = dtype == DType::f64;
    check_graph(*Grower(seed, dtype, wide).grow(3 + k), seed, wide ? 1e-11 : 2e-4);
  }
}

TEST_P(RandomGraph, CompiledDerivativeEqualsReference) {
  for (uint64_t k = 0; k < 6 && !HasFailure(); ++k) {
    uint64_t seed = GetParam() * 1000 + 500 + k;
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto graph = Grower(seed, DType::f64, false).grow(3 + k);
    check_graph(*vjp(*graph, core_ops()), seed, 1e-9);
  }
}

/// Any subset of the inputs, those with symbols among them.
TEST_P(RandomGraph, BoundGivesTheSameBits) {
  RandomStream stream(RandomKey(GetParam()).fold_in("bound"));
  for (uint64_t k = 0; k < 12 && !HasFailure(); ++k) {
    const uint64_t seed = GetParam() * 1000 + 1200 + k;
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto graph = Grower(seed, k % 3 == 0 ? DType::f32 : DType::f64, false).grow(3 + k);
    if (k % 2 == 1) graph = vjp(*graph, core_ops());
    SCOPED_TRACE(to_text(*graph));
    const std::vector<Literal> inputs = some_inputs(*graph, seed);
    const auto executable = compile(*graph, core_ops());
    BoundInputs bound;
    std::vector<Literal> left;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (stream.below(3) > 0) {
        bound.emplace(i, Buffer::copy_of(inputs[i]));
      } else {
        left.push_back(inputs[i]);
      }
    }
    EXPECT_EQ(run(*executable->bind_inputs(bound), left, 2), run(*executable, inputs, 1));
  }
}

/// Some schedule of a fusion, good or bad.
Schedule some_schedule(const Node& fusion, RandomStream& stream) {
  const Graph& body = fusion_body(fusion);
  Schedule schedule = default_schedule(fusion);
  FusionKind kind = fusion_kind(fusion);
  if (kind == FusionKind::loop || kind == FusionKind::general) {
    const Shape& shape = body.type(body.outputs()[0]).shape;
    int64_t axes = std::ranges::count_if(shape, [](const Dim& dim) { return !dim.is(1); });
    schedule.flat = schedule.flat && stream.below(2) == 0;
    schedule.joined_axes = 1 + stream.below(std::max<int64_t>(1, axes));
  } else if (kind == FusionKind::column) {
    const Dim& rows = fusion.attributes.shape("rows")[0];
    schedule.chunk_rows = stream.below(20);
    schedule.fold = 1;
    if (schedule.chunk_rows == 0 || !can_fold(body)) return schedule;
    int64_t fold = 1 + stream.below(4);
    if (rows.divided_by(fold)) schedule.fold = fold;
  }
  return schedule;
}

TEST_P(RandomGraph, AnyScheduleGivesTheSame) {
  RandomStream stream(RandomKey(GetParam()).fold_in("schedules"));
  for (uint64_t k = 0; k < 12 && !HasFailure(); ++k) {
    uint64_t seed = GetParam() * 1000 + 800 + k;
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto graph = Grower(seed, DType::f64, false).grow(3 + k);
    check_graph(k % 2 == 0 ? *graph : *vjp(*graph, core_ops()), seed, 1e-9,
                [&](const Node& fusion) { return some_schedule(fusion, stream); });
  }
}

TEST(Schedules, ThatDoNotFitAreErrors) {
  Graph graph("sum");
  Build build(graph, core_ops());
  Value x = build.input("x", Type::parse("f32[6,4]"));
  graph.set_outputs({reduce_sum(exp(x), {0}).id()});
  auto with = [&](const Schedule& schedule) {
    return [&] { compile(graph, core_ops(), {.schedule = [&](const Node&) { return schedule; }}); };
  };
  EXPECT_NO_THROW(with({.fold = 3, .chunk_rows = 1})());
  EXPECT_THROW(with({.fold = 4, .chunk_rows = 1})(), Error);
  EXPECT_THROW(with({.fold = 2})(), Error);
  EXPECT_THROW(with({.chunk_rows = -1})(), Error);
}

}  // namespace
}  // namespace tenon
