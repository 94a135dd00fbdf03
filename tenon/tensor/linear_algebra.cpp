#include <algorithm>
#include <numeric>
#include <string>

#include "tenon/graph/build.h"
#include "tenon/tensor/numpy.h"

namespace tenon {

namespace {

std::pair<Tensor, Tensor> promoted(const Tensor& a, const Tensor& b) {
  DType dtype = promote(a.dtype(), b.dtype());
  return {a.cast(dtype), b.cast(dtype)};
}

int64_t last_axis(const Tensor& x) { return static_cast<int64_t>(x.rank()) - 1; }

[[noreturn]] void fail_inner(std::string_view op, const Tensor& a, const Tensor& b) {
  throw make_error(ErrorCode::shape_mismatch, "{}: inner dimensions differ: lhs {} and rhs {}", op,
                   a.type().to_string(), b.type().to_string());
}

}  // namespace

Tensor matmul(const Tensor& lhs, const Tensor& rhs) {
  auto [a, b] = promoted(lhs, rhs);
  if (a.rank() == 0 || b.rank() == 0)
    fail(ErrorCode::shape_mismatch, "matmul: {} and {}: scalars cannot be matrices; use *",
         a.type().to_string(), b.type().to_string());
  if (a.dim(-1) != b.dim(b.rank() == 1 ? -1 : -2)) fail_inner("matmul", lhs, rhs);
  if (b.rank() <= 2) return dot(a, b, {last_axis(a)}, {0});
  if (a.rank() == 1) return squeeze(matmul(expand_dims(a, 0), b), -2);
  Shape a_batch(std::vector<Dim>(a.shape().begin(), a.shape().end() - 2));
  Shape b_batch(std::vector<Dim>(b.shape().begin(), b.shape().end() - 2));
  Shape batch = broadcast_shapes(a_batch, b_batch);
  auto full = [&batch](const Tensor& x) {
    Shape shape = batch;
    shape.push_back(x.dim(-2));
    shape.push_back(x.dim(-1));
    return broadcast_to(x, shape);
  };
  Integers axes(batch.rank());
  std::iota(axes.begin(), axes.end(), int64_t{0});
  auto rank = static_cast<int64_t>(batch.rank());
  return dot(full(a), full(b), {rank + 1}, {rank}, axes, axes);
}

Tensor dot(const Tensor& lhs, const Tensor& rhs) {
  auto [a, b] = promoted(lhs, rhs);
  if (a.rank() == 0 || b.rank() == 0) return a * b;
  int64_t inner = b.rank() == 1 ? 0 : last_axis(b) - 1;
  if (a.dim(-1) != b.dim(inner)) fail_inner("dot", lhs, rhs);
  return dot(a, b, {last_axis(a)}, {inner});
}

Tensor outer(const Tensor& a, const Tensor& b) { return a.reshape({-1, 1}) * b.reshape({-1}); }

namespace {

/// A tensor whose axes have names.
struct Named {
  Tensor tensor;
  std::string axes;
};

bool has(std::string_view names, char name) { return names.find(name) != std::string_view::npos; }

/// Sums over the axes that nobody else needs.
Named without_lone_axes(Named x, std::string_view needed) {
  Integers lone;
  std::string left;
  for (size_t i = 0; i < x.axes.size(); ++i) {
    if (has(needed, x.axes[i])) {
      left += x.axes[i];
    } else {
      lone.push_back(static_cast<int64_t>(i));
    }
  }
  return lone.empty() ? x : Named{sum(x.tensor, lone), left};
}

/// The product of two, summed over what both have and nobody needs later.
Named contract(const Named& a, const Named& b, std::string_view needed) {
  Integers a_contract, b_contract, a_batch, b_batch;
  std::string batch, a_free, b_free;
  for (size_t i = 0; i < a.axes.size(); ++i) {
    size_t other = b.axes.find(a.axes[i]);
    if (other == std::string::npos) {
      a_free += a.axes[i];
      continue;
    }
    bool kept = has(needed, a.axes[i]);
    (kept ? a_batch : a_contract).push_back(static_cast<int64_t>(i));
    (kept ? b_batch : b_contract).push_back(static_cast<int64_t>(other));
    if (kept) batch += a.axes[i];
  }
  for (char name : b.axes) {
    if (!has(a.axes, name)) b_free += name;
  }
  auto [lhs, rhs] = promoted(a.tensor, b.tensor);
  return {dot(lhs, rhs, a_contract, b_contract, a_batch, b_batch), batch + a_free + b_free};
}

struct Formula {
  std::vector<std::string> operands;
  std::string result;
};

Formula parse(std::string_view text) {
  Formula formula;
  std::string current;
  bool after_arrow = false;
  auto refuse = [&](std::string_view why) {
    fail(ErrorCode::invalid_argument, "einsum: '{}' {}", text, why);
  };
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == ' ') continue;
    if (c == ',' && !after_arrow) {
      formula.operands.push_back(std::exchange(current, {}));
    } else if (c == '-' && i + 1 < text.size() && text[i + 1] == '>' && !after_arrow) {
      formula.operands.push_back(std::exchange(current, {}));
      after_arrow = true;
      ++i;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      if (has(current, c)) refuse("names an axis twice in one operand");
      current += c;
    } else {
      refuse("has a character that is neither a letter, ',' nor '->'");
    }
  }
  if (!after_arrow) refuse("lacks '->' and the axes of the result");
  formula.result = current;
  return formula;
}

}  // namespace

Tensor einsum(std::string_view text, const std::vector<Tensor>& operands) {
  Formula formula = parse(text);
  if (formula.operands.size() != operands.size())
    fail(ErrorCode::invalid_argument, "einsum: '{}' is for {} operands, not {}", text,
         formula.operands.size(), operands.size());
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].rank() != formula.operands[i].size())
      fail(ErrorCode::shape_mismatch, "einsum: '{}' names {} axes of {}", formula.operands[i],
           formula.operands[i].size(), operands[i].type().to_string());
  }
  for (char name : formula.result) {
    auto known = [name](const std::string& axes) { return has(axes, name); };
    if (std::none_of(formula.operands.begin(), formula.operands.end(), known))
      fail(ErrorCode::invalid_argument, "einsum: no operand of '{}' has the axis {}", text, name);
  }
  auto needed_after = [&](size_t next) {
    std::string needed = formula.result;
    for (size_t i = next; i < operands.size(); ++i) needed += formula.operands[i];
    return needed;
  };
  Named total = without_lone_axes({operands[0], formula.operands[0]}, needed_after(1));
  for (size_t i = 1; i < operands.size(); ++i) {
    std::string later = needed_after(i + 1);
    Named next = without_lone_axes({operands[i], formula.operands[i]}, later + total.axes);
    total = without_lone_axes(contract(total, next, later), later);
  }
  Integers order;
  for (char name : formula.result) order.push_back(static_cast<int64_t>(total.axes.find(name)));
  return total.tensor.transpose(order);
}

}  // namespace tenon
