// Functions that decide by sizes: jitted, whatever the order of the calls, they give what they give
// eagerly.
#include <gmock/gmock.h>

#include <functional>
#include <random>

#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/tracing.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Function = std::function<Tensor(Tensor, Tensor)>;
using Sizes = std::pair<int64_t, int64_t>;

Tensor numbers(int64_t count, double from) {
  return (arange(count).cast(DType::f32) + from).eval();
}

TEST(JitSizes, SymbolsThatMeetAreTracedAnew) {
  auto f = jit(
      [](Tensor a, Tensor b) { return a.dim(0) == b.dim(0) ? sum(a) + sum(b) : sum(a) - sum(b); });
  EXPECT_EQ(f(ones({4}), ones({6})).item(), -2);
  EXPECT_EQ(f(ones({5}), ones({7})).item(), -2);
  EXPECT_EQ(f(ones({8}), ones({8})).item(), 16);
  EXPECT_EQ(f(ones({9}), ones({9})).item(), 18);
  EXPECT_EQ(f(ones({9}), ones({3})).item(), 6);
  EXPECT_EQ(f.compilations(), 3u);  // numbers, two symbols, one symbol
}

/// Calls with all of the sizes, in an order of its own for each seed.
void expect_eager_answers(const Function& f, const std::vector<Sizes>& sizes, size_t most,
                          const std::string& what) {
  auto fast = jit(f);
  for (auto [n, m] : sizes) {
    Tensor a = numbers(n, 1), b = numbers(m, 3);
    EXPECT_THAT(values_of(fast(a, b)), testing::Pointwise(testing::FloatEq(), values_of(f(a, b))))
        << what << " of " << n << " and " << m;
  }
  EXPECT_LE(fast.compilations(), most) << what;
}

std::vector<Sizes> shuffled(uint32_t seed, int64_t from, int64_t to) {
  std::vector<Sizes> sizes;
  for (int64_t n = from; n < to; ++n) {
    for (int64_t m = from; m < to; ++m) sizes.emplace_back(n, m);
  }
  std::shuffle(sizes.begin(), sizes.end(), std::mt19937(seed));
  return sizes;
}

struct Decision {
  const char* name;
  Function f;
  size_t most_compilations = 4;  // over all pairs of sizes from 2 to 9
};

/// One of two values, as the sizes say.
Function either(std::function<bool(const Dim&, const Dim&)> decide) {
  return [decide = std::move(decide)](Tensor a, Tensor b) {
    return decide(a.dim(0), b.dim(0)) ? sum(a) * 2 + sum(b) : sum(a) - sum(b) * 3;
  };
}

std::vector<Decision> decisions() {
  return {
      {"two symbols", either([](const Dim& n, const Dim& m) { return n == m; })},
      {"a symbol and a number", either([](const Dim& n, const Dim&) { return n.is(5); }), 6},
      {"twice and one more", either([](const Dim& n, const Dim& m) { return 2 * n == m + 1; })},
      {"a sum", either([](const Dim& n, const Dim& m) { return n + m == Dim(10); })},
      {"a product", either([](const Dim& n, const Dim& m) { return n * m == Dim(12); }), 8},
      {"halves", either([](const Dim& n, const Dim& m) {
         return Dim::floor_div(n, 2) == Dim::floor_div(m, 2);
       }),
       40},
      {"even", either([](const Dim& n, const Dim&) { return Dim::floor_div(n, 2) * 2 == n; }), 40},
      {"three parts", either([](const Dim& n, const Dim&) { return bool(n.divided_by(3)); }), 40},
      {"many times", either([](const Dim& n, const Dim& m) { return bool(n.divided_by(m)); }), 40},
      {"two questions", either([](const Dim& n, const Dim& m) { return n == m && n.is(4); }), 6},
      {"shapes",
       [](Tensor a, Tensor b) { return a.shape() == b.shape() ? a * b : concatenate({a, b}); }},
      {"array_equal", [](Tensor a, Tensor b) { return array_equal(a, b + (1.0 - 3.0)); }},
      {"concatenated",
       [](Tensor a, Tensor b) {
         Tensor both = concatenate({a, b, b});
         return both.dim(0) == 2 * a.dim(0) ? sum(both) : both[0];
       }},
      {"what fails",
       [](Tensor a, Tensor b) {
         try {
           return sum(a * b);
         } catch (const Error&) {
           return sum(a) + sum(b);
         }
       }},
      {"under grad",
       [](Tensor a, Tensor b) {
         return grad([&](Tensor x) { return x.dim(0) == b.dim(0) ? sum(x * x) : sum(x); })(a);
       }},
      {"under vmap",
       [](Tensor a, Tensor b) {
         Tensor rows = outer(a, b);
         return vmap([&](Tensor row) { return row.dim(0) == a.dim(0) ? sum(row) : -sum(row); })(
             rows);
       }},
      {"in a branch",
       [](Tensor a, Tensor b) {
         return cond(
             sum(a) > 0, [&](Tensor x) { return x.dim(0) == b.dim(0) ? sum(x) : sum(x) * 2; },
             [](Tensor x) { return sum(x) * 3; }, a);
       }},
  };
}

TEST(JitSizes, EveryKindOfDecisionIsTheEagerOne) {
  for (const Decision& decision : decisions()) {
    for (uint32_t seed : {1u, 2u}) {
      expect_eager_answers(decision.f, shuffled(seed, 2, 10), decision.most_compilations,
                           decision.name);
    }
    expect_eager_answers(decision.f, shuffled(3, 0, 4), 100, decision.name);
  }
}

/// A small program: sizes are computed from those of two arguments, and compared.
struct RandomProgram {
  explicit RandomProgram(uint32_t seed) : random(seed) {
    for (int i = 0; i < 4; ++i)
      steps.push_back({pick(6), pick(100), pick(100), pick(4), pick(100), pick(100)});
  }
  int pick(int count) { return std::uniform_int_distribution<int>(0, count - 1)(random); }

  struct Step {
    int make, first, second, compare, left, right;
  };

  Tensor operator()(const Tensor& a, const Tensor& b) const {
    std::vector<Dim> dims{a.dim(0), b.dim(0), a.dim(0) + b.dim(0), Dim(6)};
    auto at = [&](int i) { return dims[static_cast<size_t>(i) % dims.size()]; };
    Tensor value = sum(a) - sum(b);
    for (const Step& step : steps) {
      switch (step.make) {
        case 0:
          dims.push_back(at(step.first) + at(step.second));
          break;
        case 1:
          dims.push_back(2 * at(step.first) - 1);
          break;
        case 2:
          dims.push_back(Dim::floor_div(at(step.first), 2));
          break;
        case 3:
          dims.push_back(at(step.first) * at(step.second));
          break;
        case 4:
          dims.push_back(Dim(step.first % 7 + 2));
          break;
        default:
          dims.push_back(concatenate({a, b, a}).dim(0) - at(step.first));
          break;
      }
      value = holds(step, at(step.left), at(step.right)) ? value * 2 + 1 : value - 3;
    }
    return value;
  }

  static bool holds(const Step& step, const Dim& left, const Dim& right) {
    switch (step.compare) {
      case 0:
        return left == right;
      case 1:
        return left != right + 1;
      case 2:
        return left.is(5);
      default:
        return left.divided_by(3).has_value();
    }
  }

  std::mt19937 random;
  std::vector<Step> steps;
};

TEST(JitSizes, RandomProgramsGiveTheEagerAnswers) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    RandomProgram program(seed);
    std::vector<Sizes> sizes = shuffled(seed, 2, 9);
    sizes.resize(16);
    expect_eager_answers([&](Tensor a, Tensor b) { return program(a, b); }, sizes, 17,
                         "program " + std::to_string(seed));
  }
}

std::vector<std::string> texts(std::span<const DimCondition> conditions) {
  std::vector<std::string> result;
  for (const DimCondition& condition : conditions) result.push_back(condition.to_string());
  return result;
}

TEST(JitSizes, ATracedGraphKeepsWhatItTookForGranted) {
  auto f = [](std::vector<Tensor> x) {
    const Dim &n = x[0].dim(0), &m = x[1].dim(0);
    bool asked = n == m || n == m || m == n || n.is(1) || n.is(7) || n + 1 == Dim(0);
    return std::vector<Tensor>{asked || n.divided_by(2) ? sum(x[0]) : sum(x[1])};
  };
  std::vector<Type> types{Type::parse("f32[n]"), Type::parse("f32[m]")};
  Traced traced = trace(f, types);
  EXPECT_THAT(texts(traced.graph->conditions()), ElementsAre("n != m", "n != 7", "n % 2 != 0"));
  std::string text = to_text(*traced.graph);
  EXPECT_THAT(text, HasSubstr("where n != m\n  where n != 7\n  where n % 2 != 0\n"));
  auto again = parse_graph(text, core_ops());
  EXPECT_EQ(again->conditions(), traced.graph->conditions());
  EXPECT_EQ(again->structural_hash(), traced.graph->structural_hash());
  std::vector<Tensor> right{ones({3}), ones({4})}, wrong{ones({5}), ones({5})};
  EXPECT_EQ(apply_graph(*again, right)[0].item(), 4);
  EXPECT_THAT(error_of([&] { apply_graph(*again, wrong); }),
              HasSubstr("recorded for sizes where n != m, but n is 5, m is 5"));
}

TEST(JitSizes, ShortcutsThatChangeNothingAreNoQuestions) {
  auto f = jit([](Tensor x) {
    Tensor y = x.reshape({-1, 6})[{Slice{none, none}, Slice{0, 6}}];
    return sum(broadcast_to(y + ones({1, 6}), y.shape()));
  });
  for (int64_t n = 2; n < 9; ++n) EXPECT_EQ(f(ones({n, 6})).item(), 12 * n);
  EXPECT_EQ(f.compilations(), 2u);
}

}  // namespace
}  // namespace tenon
