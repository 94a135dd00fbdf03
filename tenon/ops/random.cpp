#include "tenon/base/random.h"

#include <bit>
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/ops/element.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

std::vector<Type> infer_random_bits(InferContext& c) {
  const Type& key = c.input(0);
  const Shape& shape = c.attributes.shape("shape");
  bool fits = key.rank() >= 1 && key.dim(key.rank() - 1).is(2) && shape.rank() + 1 >= key.rank();
  for (size_t i = 0; fits && i + 1 < key.rank(); ++i) fits = key.dim(i) == shape[i];
  if (!fits) {
    fail(ErrorCode::shape_mismatch,
         "the key is {}, but must be i64[2] (seed and stream), or one such pair for each of the "
         "first dimensions of {}",
         key.to_string(), shape.to_string());
  }
  return {{DType::i32, shape}};
}

void reference_random_bits(ReferenceCall& call) {
  const RefArray& key = call.input(0);
  RefArray& out = call.output(0);
  int64_t keys = key.size() / 2, count = keys == 0 ? 0 : out.size() / keys;
  for (int64_t k = 0; k < keys; ++k) {
    RandomKey seed(std::bit_cast<uint64_t>(key.get_int(2 * k)));
    auto stream = std::bit_cast<uint64_t>(key.get_int(2 * k + 1));
    for (int64_t i = 0; i < count; ++i) {
      auto block = static_cast<uint64_t>(i / 4);
      PhiloxCounter counter = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                               static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)};
      PhiloxCounter words = philox4x32(counter, seed.words());
      out.set_int(k * count + i, static_cast<int32_t>(words[static_cast<size_t>(i % 4)]));
    }
  }
}

/// Philox in i64 arithmetic, every word in [0, 2^32): the low half of a product is right however
/// it wraps, and the high half is a logical shift away.
Expr philox_element(ElementContext& c) {
  ExprPool& pool = c.pool();
  auto word = [&](int64_t value) { return pool.index(value); };
  Expr all = word(0xFFFFFFFF);
  auto low = [&](Expr x) { return x & all; };
  auto high = [&](Expr x) { return shift_right_logical(x, 32); };

  size_t batch = c.input_type(0).rank() - 1;
  std::vector<Expr> at(c.index().begin(), c.index().begin() + to_axis(batch));
  at.push_back(word(0));
  Expr seed = c.input(0, at);
  at.back() = word(1);
  Expr stream = c.input(0, at);
  Expr element = word(0);
  for (size_t i = batch; i < c.index().size(); ++i)
    element = element * c.dim(c.output_type().dim(i)) + c.index()[i];
  Expr block = shift_right(element, 2);

  Expr counter[4] = {low(block), high(block), low(stream), high(stream)};
  Expr key[2] = {low(seed), high(seed)};
  for (int round = 0; round < 10; ++round) {
    Expr a = word(0xD2511F53) * counter[0], b = word(0xCD9E8D57) * counter[2];
    Expr next[4] = {high(b) ^ counter[1] ^ key[0], low(b), high(a) ^ counter[3] ^ key[1], low(a)};
    std::copy(next, next + 4, counter);
    key[0] = low(key[0] + word(0x9E3779B9));
    key[1] = low(key[1] + word(0xBB67AE85));
  }
  Expr which = element & word(3);
  Expr pair_low = select(equal(which, 0.0), counter[0], counter[1]);
  Expr pair_high = select(equal(which, 2.0), counter[2], counter[3]);
  return cast(select(which < 2.0, pair_low, pair_high), DType::i32);
}

void add_random_bits(OpFamily& ops) {
  ops.add(primitive("random_bits")
              .doc("32 random bits per element from Philox4x32-10: word i % 4 for the counter (i / "
                   "4, stream), where i is the element's index. Stream 0 is what random_bits in "
                   "tenon/base/random.h gives.")
              .input("key", DTypeSet(DType::i64))
              .attribute("shape", AttributeKind::shape, "shape of the result")
              .infer(infer_random_bits)
              .reference(reference_random_bits)
              .non_differentiable("random bits")
              .batch([](BatchContext& c) {
                Attributes attributes{{"shape", with_batch(c.size, c.attributes.shape("shape"))}};
                return c.build.call_multi(c.op, c.inputs, std::move(attributes));
              })
              .element(philox_element)
              .random()
              .samples({{"i64[2]", {{"shape", Shape{3, 5}}}, {{0, 1e9}}},
                        {"i64[2]", {{"shape", Shape{}}}, {{0, 1e9}}},
                        {"i64[2]", {{"shape", Shape{2, 3, 2}}}, {{-1e15, 1e15}}},
                        {"i64[n,2]", {{"shape", Shape{Dim::symbol("n"), 5}}}, {{0, 1e9}}},
                        {"i64[2]", {{"shape", Shape{0, 3}}}, {{0, 1e9}}}}));
}

constexpr int64_t kUnit = int64_t{1} << 24;  // 24 random bits: 0 up to this

void add_dropout(OpFamily& ops) {
  ops.add(
      composite("dropout")
          .doc(
              "Sets elements to 0 with probability rate and divides the others by 1 - rate, "
              "so that the mean stays (Srivastava et al. 2014). Equal keys drop the same elements.")
          .input("x", kFloating)
          .input("key", DType::i64)
          .attribute("rate", AttributeKind::real, "probability of 0, in [0, 1]")
          .infer([](InferContext& c) -> std::vector<Type> {
            double rate = c.attributes.real("rate");
            if (!(rate >= 0 && rate <= 1)) {
              fail(ErrorCode::invalid_argument, "rate is {}; it must be between 0 and 1", rate);
            }
            if (c.input(1).shape != Shape{2}) {
              fail(ErrorCode::shape_mismatch, "key is {}; it must be i64[2]",
                   c.input(1).to_string());
            }
            return {c.input(0)};
          })
          .decompose([](RuleContext& c) -> std::vector<Value> {
            Value x = c.inputs[0];
            double rate = c.attributes.real("rate");
            if (rate == 0) return {x};
            if (rate == 1) return {x * 0.0};
            Value bits = c.build.call("random_bits", {c.inputs[1]}, {{"shape", x.shape()}});
            Value unit = shift_right_logical(bits, c.build.full_like(bits, 8));
            Value keep = greater_equal(unit, std::round(rate * static_cast<double>(kUnit)));
            return {select(keep, x * (1.0 / (1.0 - rate)), 0.0)};
          })
          .onnx("Dropout")
          .samples({{"f32[3,5], i64[2]", {{"rate", 0.3}}, {{-2, 2}, {0, 1000}}},
                    {"f32[n,4], i64[2]", {{"rate", 0.5}}, {{-2, 2}, {0, 1000}}},
                    {"bf16[9], i64[2]", {{"rate", 0.0}}, {{-2, 2}, {0, 1000}}}}));
}

}  // namespace

void register_random(OpRegistry& registry) {
  OpFamily ops(registry, "random");
  add_random_bits(ops);
  add_dropout(ops);
}

}  // namespace tenon
