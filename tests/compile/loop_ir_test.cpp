#include "tenon/compile/loop_ir.h"

#include <gtest/gtest.h>

#include "tenon/base/error.h"

namespace tenon {
namespace {

/// y[r] = sum over c of x[r, c] squared, plus the square again in place of a temporary.
Kernel row_squares(const std::string& name) {
  Kernel k(name);
  ExprPool& p = k.pool();
  const Expr rows = p.symbol("rows");
  const uint32_t x = k.add_buffer({.name = "x", .size = rows * 8});
  const uint32_t y = k.add_buffer({.name = "y", .size = rows, .role = BufferRole::output});
  const uint32_t total = k.add_local({.name = "total"});
  const Expr r = p.loop_index("r", rows), c = p.loop_index("c", p.index(8));
  const Expr square = k.load(x, r * 8 + c) * k.load(x, r * 8 + c);
  k.body = {parallel_loop(
      r, LoopKind::serial,
      {declare(total, p.constant(DType::f32, 0)),
       loop(c, LoopKind::vector, {update(total, square / (square + 1.0), Combine::add)}),
       store(y, r, k.read(total))})};
  return k;
}

TEST(LoopIr, PrintsLikeC) {
  EXPECT_EQ(to_string(row_squares("squares")),
            "kernel squares:\n"
            "  in f32 x[$rows*8]\n"
            "  out f32 y[$rows]\n"
            "  parallel for r < $rows:\n"
            "    f32 total = 0.0\n"
            "    vector for c < 8:\n"
            "      t0 = x[r*8 + c]\n"
            "      t1 = t0*t0\n"
            "      total += t1/(t1 + 1.0)\n"
            "    y[r] = total\n");
}

TEST(LoopIr, HashIsOfTheCodeNotTheName) {
  EXPECT_EQ(hash_of(row_squares("a")), hash_of(row_squares("b")));
  Kernel other = row_squares("a");
  other.buffers[1].may_share = {0};
  EXPECT_NE(hash_of(row_squares("a")), hash_of(other));
}

TEST(LoopIr, VariablesOfOneNameStayApart) {
  Kernel k("k");
  ExprPool& p = k.pool();
  const Expr i = p.loop_index("i", p.index(3)), j = p.loop_index("i", p.index(3));
  EXPECT_EQ(to_string(i * 3 + j), "i*3 + i_2");
  // Neither is a dimension of that name.
  EXPECT_EQ(to_string(i * 3 + p.symbol("i_2")), "i*3 + $i_2");
}

TEST(LoopIr, UnrollingBindsConstants) {
  Kernel k("k");
  ExprPool& p = k.pool();
  const uint32_t y = k.add_buffer(
      {.name = "y", .dtype = DType::i64, .size = p.index(3), .role = BufferRole::output});
  const Expr u = p.loop_index("u", p.index(3));
  k.body = {loop(u, LoopKind::unroll, {store(y, u, u * u)})};
  EXPECT_EQ(to_string(unroll(k)),
            "kernel k:\n"
            "  out i64 y[3]\n"
            "  y[0] = 0\n"
            "  y[1] = 1\n"
            "  y[2] = 4\n");
  // The original keeps its loop.
  EXPECT_NE(to_string(k).find("unroll for u < 3"), std::string::npos);
}

TEST(LoopIr, AdjacentStoresAreOneRunUnlessOneReadsAnother) {
  Kernel k("k");
  ExprPool& p = k.pool();
  const Expr n = p.index(4);
  const uint32_t a = k.add_buffer({.name = "a", .size = n, .role = BufferRole::output});
  const uint32_t b = k.add_buffer({.name = "b", .size = n, .role = BufferRole::output});
  const Expr i = p.loop_index("i", n);
  const Expr one = p.constant(DType::f32, 1);
  EXPECT_EQ(store_run_end({store(a, i, one), store(b, i, one)}, 0), 2u);
  EXPECT_EQ(store_run_end({store(a, i, one), store(b, i, k.load(a, i))}, 0), 1u);
}

std::string message_of(const Kernel& k) {
  try {
    verify(k);
  } catch (const Error& e) {
    return e.message();
  }
  return "";
}

TEST(LoopIr, VerifyNamesTheBrokenRule) {
  const Kernel fine = row_squares("fine");
  EXPECT_EQ(message_of(fine), "");

  Kernel k("wrong");
  ExprPool& p = k.pool();
  const uint32_t x = k.add_buffer({.name = "x", .size = p.index(4)});
  const uint32_t y = k.add_buffer({.name = "y", .size = p.index(4), .role = BufferRole::output});
  const uint32_t l = k.add_local({.name = "l"});
  const Expr i = p.loop_index("i", p.index(4));
  const Expr one = p.constant(DType::f32, 1);
  k.body = {store(y, i, one)};
  EXPECT_EQ(message_of(k), "kernel wrong: a loop variable outside its loop");
  k.body = {loop(i, LoopKind::serial, {store(x, i, one)})};
  EXPECT_EQ(message_of(k), "kernel wrong: a store to an input");
  k.body = {loop(i, LoopKind::serial, {store(y, i, p.constant(DType::f64, 1))})};
  EXPECT_EQ(message_of(k), "kernel wrong: f64 where f32 is needed");
  k.body = {loop(i, LoopKind::serial, {update(l, one)})};
  EXPECT_EQ(message_of(k), "kernel wrong: an update of a local that is not declared");
  k.body = {declare(l, one), loop(i, LoopKind::vector, {update(l, k.load(x, i))})};
  EXPECT_EQ(message_of(k), "kernel wrong: a vector loop assigns to a local declared outside it");
}

}  // namespace
}  // namespace tenon
