#include <gmock/gmock.h>

#include <random>
#include <thread>

#include "tenon/base/error.h"
#include "tenon/base/version.h"
#include "tenon/graph/build.h"
#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"
#include "tenon/runtime/caches.h"
#include "tenon/runtime/cpu/vector/vector_kernels.h"
#include "tenon/runtime/executable.h"

namespace tenon {
namespace {

using testing::HasSubstr;

Literal random_literal(std::vector<int64_t> shape, unsigned seed, DType dtype = DType::f32) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  Literal value(dtype, std::move(shape));
  for (int64_t i = 0; i < value.size(); ++i) value.set_double(i, normal(engine));
  return value;
}

Literal random_input(const Type& type, unsigned seed) {
  std::vector<int64_t> shape;
  for (const Dim& dim : type.shape) shape.push_back(dim.is_constant() ? dim.constant() : 3);
  return random_literal(shape, seed, type.dtype);
}

/// A small network of all that packs: convolutions of several kinds, products, a loop with weights.
constexpr const char* kNetwork = R"(
graph network(%x: f32[batch,8,8,16], %c1: f32[3,3,16,32], %scale: f32[32], %c2: f32[3,3,32,4],
              %w1: f32[256,64], %w2: f32[48,64], %u: f32[64,64]) -> (f32[batch,48], f32[batch,64]) {
  %0: f32[batch,8,8,32] = convolution(%x, %c1) {padding_low=[1,1], padding_high=[1,1]}
  %1: f32[32] = exp(%scale)
  %2: f32[batch,8,8,32] = broadcast(%1) {shape=[batch,8,8,32], dims=[3]}
  %3: f32[batch,8,8,32] = multiply(%0, %2)
  %4: f32[batch,8,8,4] = convolution(%3, %c2) {padding_low=[1,1], padding_high=[1,1]}
  %5: f32[batch,256] = reshape(%4) {shape=[batch,256]}
  %6: f32[batch,64] = dot(%5, %w1) {lhs_contract=[1], rhs_contract=[0]}
  %7: f32[batch,48] = dot(%6, %w2) {lhs_contract=[1], rhs_contract=[1]}
  %8: f32[batch,64] = scan(%u, %6) {constants=1, carries=1, length=[5],
    body=graph step(%w: f32[64,64], %h: f32[batch,64]) -> (f32[batch,64]) {
      %0: f32[batch,64] = dot(%h, %w) {lhs_contract=[1], rhs_contract=[0]}
      %1: f32[batch,64] = tanh(%0)
      return %1
    }}
  return %7, %8
})";

class Network {
 public:
  Network() : graph_(parse_graph(kNetwork, core_ops())), executable_(compile(*graph_, core_ops())) {
    for (size_t i = 1; i < graph_->inputs().size(); ++i)
      weights_.push_back(random_input(graph_->input_types()[i], static_cast<unsigned>(i)));
  }

  const Executable& executable() const { return *executable_; }
  /// In memory of its own at every call.
  NamedInputs weights() const {
    NamedInputs named;
    for (size_t i = 0; i < weights_.size(); ++i)
      named.emplace(graph_->input_names()[i + 1], Buffer::copy_of(weights_[i]));
    return named;
  }
  std::vector<Literal> run(const Literal& x) const {
    std::vector<Buffer> inputs{Buffer::copy_of(x)};
    for (const Literal& weight : weights_) inputs.push_back(Buffer::copy_of(weight));
    return literals_of(executable_->run(std::move(inputs)));
  }
  static std::vector<Literal> run(const Executable& bound, const Literal& x) {
    return literals_of(bound.run({Buffer::copy_of(x)}));
  }

 private:
  static std::vector<Literal> literals_of(const std::vector<Buffer>& buffers) {
    std::vector<Literal> results;
    for (const Buffer& buffer : buffers) results.push_back(buffer.to_literal());
    return results;
  }

  std::unique_ptr<Graph> graph_;
  std::shared_ptr<const Executable> executable_;
  std::vector<Literal> weights_;
};

std::string error_of(const std::function<void()>& f, ErrorCode code) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "no error";
}

TEST(Bind, GivesTheUnboundResults) {
  const Network network;
  const auto bound = network.executable().bind(network.weights());
  for (int64_t batch : {1, 2, 7, 32}) {
    SCOPED_TRACE(batch);
    const Literal x = random_literal({batch, 8, 8, 16}, 99);
    const auto wanted = network.run(x), given = Network::run(*bound, x);
    ASSERT_EQ(given.size(), wanted.size());
    for (size_t i = 0; i < given.size(); ++i) EXPECT_EQ(given[i], wanted[i]);
  }
}

TEST(Bind, PackedOperandsAreHeldOnceAndGoWithTheLast) {
  const Network network;
  const CacheStatistics none = runtime_caches().packed;
  const CacheStatistics constants = runtime_caches().constants;
  auto a = network.executable().bind(network.weights());
  a->prepare({{4, 8, 8, 16}});
  const CacheStatistics one = runtime_caches().packed;
  const int64_t packed = a->report({{4, 8, 8, 16}}).packed_bytes;
  if (built_with_onednn()) {
    EXPECT_GT(packed, 0);
  }
  EXPECT_EQ(one.bytes - none.bytes, packed);
  EXPECT_GE(runtime_caches().constants.bytes, constants.bytes + 64 * 64 * 4);

  auto other = Network();
  auto b = other.executable().bind(other.weights());
  b->prepare({{4, 8, 8, 16}});
  EXPECT_EQ(runtime_caches().packed.bytes, one.bytes);
  EXPECT_EQ(runtime_caches().packed.held, one.held);
  EXPECT_EQ(b->report({{4, 8, 8, 16}}).packed_bytes, packed);
  a.reset();
  EXPECT_EQ(runtime_caches().packed.bytes, one.bytes);
  b.reset();
  EXPECT_EQ(runtime_caches().packed.bytes, none.bytes);
  EXPECT_EQ(runtime_caches().packed.held, none.held);
  EXPECT_EQ(runtime_caches().constants.bytes, constants.bytes);
}

TEST(Bind, ThreadsMayBindAndRunAtOnce) {
  const Network network;
  const CacheStatistics none = runtime_caches().packed;
  const Literal x = random_literal({3, 8, 8, 16}, 5);
  const auto wanted = network.run(x);
  {
    std::vector<std::shared_ptr<const Executable>> bound(6);
    std::vector<std::vector<Literal>> results(bound.size());
    std::vector<std::thread> threads;
    for (size_t t = 0; t < bound.size(); ++t) {
      threads.emplace_back([&, t] {
        bound[t] = network.executable().bind(network.weights());
        results[t] = Network::run(*bound[t], x);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& result : results) EXPECT_EQ(result, wanted);
    EXPECT_EQ(runtime_caches().packed.bytes - none.bytes,
              bound[0]->report({{3, 8, 8, 16}}).packed_bytes);
  }
  EXPECT_EQ(runtime_caches().packed.held, none.held);
}

TEST(Bind, WhatFollowsFromTheWeightsIsComputedOnce) {
  const auto graph = parse_graph(R"(
graph f(%x: f32[n,64], %w: f32[64,64], %s: f32[64]) -> (f32[n,64], f32[64,64]) {
  %0: f32[64] = exp(%s)
  %1: f32[64,64] = broadcast(%0) {shape=[64,64], dims=[1]}
  %2: f32[64,64] = multiply(%w, %1)
  %3: f32[64,64] = dot(%2, %2) {lhs_contract=[1], rhs_contract=[0]}
  %4: f32[n,64] = dot(%x, %3) {lhs_contract=[1], rhs_contract=[0]}
  return %4, %3
})",
                                 core_ops());
  const auto executable = compile(*graph, core_ops());
  const Buffer w = Buffer::copy_of(random_literal({64, 64}, 1));
  const Buffer s = Buffer::copy_of(random_literal({64}, 2));
  const Buffer x = Buffer::copy_of(random_literal({5, 64}, 3));
  const auto bound = executable->bind({{"w", w}, {"s", s}});
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  const std::string all = executable->report({{5, 64}, {64, 64}, {64}}).text;
  const std::string left = bound->report({{5, 64}}).text;
  // One product, and a copy of the result that is known.
  EXPECT_EQ(lines(left), 2) << left;
  EXPECT_GT(lines(all), lines(left)) << all;
  const auto wanted = executable->run({x, w, s}), given = bound->run({x});
  for (size_t i = 0; i < wanted.size(); ++i)
    EXPECT_EQ(given[i].to_literal(), wanted[i].to_literal());
}

TEST(Bind, AnythingMayBeBound) {
  const auto graph = parse_graph(R"(
graph f(%a: f32[n], %b: f32[n]) -> (f32[n], f32[n]) {
  %0: f32[n] = add(%a, %b)
  return %0, %b
})",
                                 core_ops());
  const auto executable = compile(*graph, core_ops());
  const Buffer a = Buffer::copy_of(random_literal({6}, 1));
  const Buffer b = Buffer::copy_of(random_literal({6}, 2));
  const auto wanted = executable->run({a, b});
  const auto half = executable->bind({{"b", b}});
  const auto whole = half->bind({{"a", a}});
  for (const auto& given : {half->run({a}), whole->run({})}) {
    EXPECT_EQ(given[0].to_literal(), wanted[0].to_literal());
    EXPECT_EQ(given[1].to_literal(), wanted[1].to_literal());
    EXPECT_NE(given[1].data(), b.data());
  }
}

TEST(Bind, WhatIsWrongIsSaidAtOnce) {
  Graph graph("f");
  Build build(graph, core_ops());
  const Value x = build.input("x", Type::parse("f32[n,4]"));
  build.input("y", Type::parse("f32[n]"));
  build.input("same", Type::parse("f32[2]"));
  build.input("same", Type::parse("f32[2]"));
  graph.set_outputs({x.id()});
  const auto f = compile(graph, core_ops());
  const auto value = [](DType dtype, std::vector<int64_t> shape) {
    return Buffer::copy_of(Literal(dtype, std::move(shape)));
  };
  const auto refuses = [&](const NamedInputs& values, ErrorCode code) {
    return error_of([&] { f->bind(values); }, code);
  };
  EXPECT_THAT(refuses({{"z", value(DType::f32, {2})}}, ErrorCode::not_found),
              HasSubstr("no input 'z'"));
  EXPECT_THAT(refuses({{"same", value(DType::f32, {2})}}, ErrorCode::invalid_argument),
              HasSubstr("several inputs"));
  EXPECT_THAT(refuses({{"x", value(DType::f64, {2, 4})}}, ErrorCode::type_mismatch),
              HasSubstr("input 'x' of 'f' is f32[n,4], not f64[2,4]"));
  EXPECT_THAT(refuses({{"x", value(DType::f32, {2, 5})}}, ErrorCode::shape_mismatch),
              HasSubstr("f32[2,5]"));
  EXPECT_THAT(refuses({{"x", value(DType::f32, {2})}}, ErrorCode::shape_mismatch),
              HasSubstr("f32[2]"));
  EXPECT_THAT(refuses({{"x", Buffer()}}, ErrorCode::invalid_argument), HasSubstr("no memory"));
  EXPECT_THAT(refuses({{"x", value(DType::f32, {2, 4})}, {"y", value(DType::f32, {3})}},
                      ErrorCode::shape_mismatch),
              HasSubstr("'n' of 'f' is 2 in input 'x' and 3 in input 'y'"));
  const auto bound = f->bind({{"x", value(DType::f32, {2, 4})}});
  EXPECT_THAT(error_of([&] { bound->bind({{"x", value(DType::f32, {2, 4})}}); },
                       ErrorCode::invalid_argument),
              HasSubstr("already bound"));
  EXPECT_THAT(
      error_of([&] { f->bind_inputs({{9, value(DType::f32, {2})}}); }, ErrorCode::not_found),
      HasSubstr("no input 9"));
  EXPECT_THAT(error_of([&] { bound->run({value(DType::f32, {2})}); }, ErrorCode::invalid_argument),
              HasSubstr("takes 3 inputs besides the 1 that are bound, not 1"));
}

/// Donation writes into inputs: never into one that is bound.
TEST(Bind, WeightsAreNeverOverwritten) {
  const auto graph = parse_graph(R"(
graph f(%w: f32[64], %x: f32[64]) -> (f32[64]) {
  %0: f32[64] = add(%w, %x)
  return %0
})",
                                 core_ops());
  CompileOptions options;
  options.donated = {true, true};
  const auto f = compile(*graph, core_ops(), options);
  Buffer w = Buffer::copy_of(random_literal({64}, 1));
  const Literal before = w.to_literal();
  const auto bound = f->bind({{"w", w}});
  const Literal x = random_literal({64}, 2);
  const Literal first = bound->run({Buffer::copy_of(x)})[0].to_literal();
  EXPECT_EQ(w.to_literal(), before);
  // An unbound run that is given the last handle on what was bound works on a copy.
  f->run({std::move(w), Buffer::copy_of(x)});
  EXPECT_EQ(bound->run({Buffer::copy_of(x)})[0].to_literal(), first);
  float foreign[64] = {1};
  const auto copied = f->bind({{"w", Buffer::borrow(DType::f32, {64}, foreign)}});
  const Literal second = copied->run({Buffer::copy_of(x)})[0].to_literal();
  foreign[0] = 5;
  EXPECT_EQ(copied->run({Buffer::copy_of(x)})[0].to_literal(), second);
}

/// Steps of a loop whose weights are read as they lie, transposed and, as [4,24,96], in an order
/// that no product takes: of few products and of many.
constexpr const char* kLoop = R"(
graph loop(%x: f32[batch,96], %u: f32[96,384], %v: f32[96,384], %w: f32[4,24,96])
    -> (f32[batch,96], f32[5,batch,96]) {
  %0: f32[batch,96], %1: f32[5,batch,96] =
    scan(%u, %v, %w, %x) {constants=3, carries=1, length=[5],
      body=graph step(%u: f32[96,384], %v: f32[96,384], %w: f32[4,24,96], %h: f32[batch,96])
          -> (f32[batch,96], f32[batch,96]) {
        %0: f32[batch,384] = dot(%h, %u) {lhs_contract=[1], rhs_contract=[0]}
        %1: f32[batch,384] = tanh(%0)
        %2: f32[batch,96] = dot(%1, %v) {lhs_contract=[1], rhs_contract=[1]}
        %3: f32[batch,96] = tanh(%2)
        %4: f32[batch,24,4] = reshape(%3) {shape=[batch,24,4]}
        %5: f32[batch,96] = dot(%4, %w) {lhs_contract=[2,1], rhs_contract=[0,1]}
        %6: f32[batch,96] = tanh(%5)
        return %6, %6
      }}
  return %0, %1
})";

TEST(Bind, LoopsPackTheirConstantsOnceAndGiveTheBoundResults) {
  const auto graph = parse_graph(kLoop, core_ops());
  const auto program = compile(*graph, core_ops());
  if (vector_kernels() && built_with_onednn()) {  // else these products are generated
    EXPECT_THAT(program->report({{1, 96}, {96, 384}, {96, 384}, {4, 24, 96}}).text,
                HasSubstr("input 1 packed once for all steps"));
  }
  for (const int64_t batch : {1, 7, 50}) {
    for (const unsigned seed : {1U, 2U}) {
      SCOPED_TRACE(fmt::format("batch {}, weights {}", batch, seed));
      const Literal x = random_literal({batch, 96}, 9);
      std::vector<Buffer> inputs{Buffer::copy_of(x)};
      std::vector<Literal> literals{x};
      NamedInputs weights;
      for (size_t i = 1; i < graph->inputs().size(); ++i) {
        literals.push_back(random_input(graph->input_types()[i], 10 * seed + unsigned(i)));
        inputs.push_back(Buffer::copy_of(literals.back()));
        weights.emplace(graph->input_names()[i], Buffer::copy_of(literals.back()));
      }
      const auto given = program->run(std::move(inputs));
      const auto bound = program->bind(std::move(weights))->run({Buffer::copy_of(x)});
      for (size_t i = 0; i < given.size(); ++i)
        EXPECT_EQ(given[i].to_literal(), bound[i].to_literal());
    }
  }
}

TEST(Bind, ConstantsOfAGraphArePackedToo) {
  const auto graph = parse_graph(R"(
graph f(%x: f32[4,96], %w: f32[96,160]) -> (f32[4,160]) {
  %0: f32[4,160] = dot(%x, %w) {lhs_contract=[1], rhs_contract=[0]}
  return %0
})",
                                 core_ops());
  const Literal w = random_literal({96, 160}, 1), x = random_literal({4, 96}, 2);
  Graph with_constant("f");
  Build build(with_constant, core_ops());
  const Value input = build.input("x", Type::parse("f32[4,96]"));
  const Node& dot = graph->node(0);
  with_constant.set_outputs({build.call("dot", {input, build.constant(w)}, dot.attributes).id()});
  const auto constant = compile(with_constant, core_ops());
  const auto bound = compile(*graph, core_ops())->bind({{"w", Buffer::copy_of(w)}});
  EXPECT_EQ(constant->report().packed_bytes, bound->report().packed_bytes);
  EXPECT_EQ(constant->run({Buffer::copy_of(x)})[0].to_literal(),
            bound->run({Buffer::copy_of(x)})[0].to_literal());
}

}  // namespace
}  // namespace tenon
