#pragma once

// Text of expressions, with names for what they refer to:
//
//   given: ExprPool pool; std::vector<std::string> buffer_names; Expr shared, value;
//   ExprPrinter printer(pool, {.load = [&](uint32_t b) { return buffer_names[b]; }});
//   printer.name_node(shared.id(), "t0");
//   std::string text = printer.print(value.id());   // "t0*(x[i] + 1)"

#include <functional>
#include <string>
#include <unordered_map>

#include "tenon/ops/expr.h"

namespace tenon {

struct ExprNames {
  std::function<std::string(uint32_t)> load;   // buffer name
  std::function<std::string(uint32_t)> local;  // local name
};

class ExprPrinter {
 public:
  explicit ExprPrinter(const ExprPool& pool, ExprNames names = {})
      : pool_(pool), names_(std::move(names)) {}

  /// From here on the node prints as this name.
  void name_node(ExprId id, std::string name) { named_[id] = std::move(name); }
  void forget_node(ExprId id) { named_.erase(id); }
  std::string print(ExprId id) const { return print(id, 0); }

 private:
  std::string print(ExprId id, int outer) const;

  const ExprPool& pool_;
  ExprNames names_;
  std::unordered_map<ExprId, std::string> named_;
};

}  // namespace tenon
