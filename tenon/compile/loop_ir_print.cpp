#include <utility>
#include <vector>

#include "tenon/base/error.h"
#include "tenon/compile/loop_ir.h"
#include "tenon/ops/expr_print.h"

namespace tenon {
namespace {

const char* text_of(Combine combine) {
  switch (combine) {
    case Combine::assign:
      return "=";
    case Combine::add:
      return "+=";
    case Combine::mul:
      return "*=";
    case Combine::min:
      return "min=";
    case Combine::max:
      return "max=";
  }
  return "?";
}

const char* text_of(BufferRole role) {
  switch (role) {
    case BufferRole::input:
      return "in";
    case BufferRole::output:
      return "out";
    case BufferRole::scratch:
      return "scratch";
  }
  return "?";
}

class KernelPrinter {
 public:
  explicit KernelPrinter(const Kernel& kernel)
      : kernel_(kernel),
        printer_(kernel.pool(), {.load = [this](uint32_t b) { return kernel_.buffers[b].name; },
                                 .local = [this](uint32_t l) { return kernel_.locals[l].name; }}) {}

  std::string print() {
    for (const KernelBuffer& b : kernel_.buffers) {
      text_ += fmt::format("  {} {} {}[{}]", text_of(b.role), name_of(b.dtype), b.name,
                           expression(b.size));
      for (const uint32_t input : b.may_share) text_ += " or " + kernel_.buffers[input].name;
      text_ += "\n";
    }
    if (kernel_.grain != 1) text_ += fmt::format("  grain {}\n", kernel_.grain);
    print(kernel_.body, 1);
    return text_;
  }

 private:
  std::string expression(Expr e) { return printer_.print(e.id()); }
  void line(int depth, const std::string& text) {
    text_ += std::string(static_cast<size_t>(depth) * 2, ' ') + text + "\n";
  }

  void count_uses(ExprId id) {
    if (++uses_[id] > 1) return;
    counted_.push_back(id);
    const ExprNode& n = kernel_.pool().node(id);
    for (int i = 0; i < n.operand_count(); ++i) count_uses(n.operands[i]);
  }

  /// Prints nodes that are used twice or more as temporaries before the statement.
  void share(std::initializer_list<Expr> roots, int depth) {
    uses_.resize(kernel_.pool().size());
    for (const Expr& e : roots) count_uses(e.id());
    for (const Expr& e : roots) name_shared(e.id(), depth);
    for (const ExprId id : counted_) uses_[id] = 0;
    counted_.clear();
  }

  /// Uses are 0 once a node was met.
  void name_shared(ExprId id, int depth) {
    const int uses = std::exchange(uses_[id], 0);
    if (uses == 0) return;
    const ExprNode& n = kernel_.pool().node(id);
    for (int i = 0; i < n.operand_count(); ++i) name_shared(n.operands[i], depth);
    const bool leaf =
        n.operand_count() == 0 ||
        (n.op == ExprOp::local && kernel_.pool().node(n.operands[0]).op == ExprOp::constant);
    if (leaf || uses < 2) return;
    const std::string name = fmt::format("t{}", temporaries_++);
    line(depth, fmt::format("{} = {}", name, printer_.print(id)));
    printer_.name_node(id, name);
    scoped_.push_back(id);
  }

  /// Temporaries belong to one statement: a later one may see other values of locals.
  void forget() {
    for (const ExprId id : scoped_) printer_.forget_node(id);
    scoped_.clear();
  }

  void print(const Block& block, int depth) {
    for (const Statement& s : block) {
      std::visit([&](const auto& what) { print(what, depth); }, s.what);
    }
  }

  void print(const Loop& l, int depth) {
    const char* kind = l.kind == LoopKind::vector   ? "vector "
                       : l.kind == LoopKind::unroll ? "unroll "
                                                    : "";
    line(depth, fmt::format("{}{}for {} < {}:", l.parallel ? "parallel " : "", kind,
                            expression(l.index), expression(l.extent)));
    print(l.body, depth + 1);
  }
  void print(const Store& s, int depth) {
    share({s.offset, s.value}, depth);
    line(depth, fmt::format("{}[{}] {} {}", kernel_.buffers[s.buffer].name, expression(s.offset),
                            text_of(s.combine), expression(s.value)));
    forget();
  }
  void print(const Declare& d, int depth) {
    const KernelLocal& local = kernel_.locals[d.local];
    share({d.initial}, depth);
    const std::string count = local.count > 1 ? fmt::format("[{}]", local.count) : "";
    line(depth, fmt::format("{} {}{} = {}", name_of(local.dtype), local.name, count,
                            expression(d.initial)));
    forget();
  }
  void print(const Update& u, int depth) {
    const KernelLocal& local = kernel_.locals[u.local];
    share({u.element, u.value}, depth);
    const std::string element = local.count > 1 ? "[" + expression(u.element) + "]" : "";
    line(depth,
         fmt::format("{}{} {} {}", local.name, element, text_of(u.combine), expression(u.value)));
    forget();
  }
  void print(const If& i, int depth) {
    share({i.condition}, depth);
    line(depth, fmt::format("if {}:", expression(i.condition)));
    forget();
    print(i.body, depth + 1);
  }

  const Kernel& kernel_;
  ExprPrinter printer_;
  std::string text_;
  std::vector<ExprId> scoped_;
  std::vector<int> uses_;  // by node: in the statement at hand
  std::vector<ExprId> counted_;
  int temporaries_ = 0;
};

}  // namespace

std::string to_string(const Kernel& kernel) {
  return "kernel " + kernel.name + ":\n" + KernelPrinter(kernel).print();
}

Hash128 hash_of(const Kernel& kernel) {
  Hasher hasher;
  hasher.add(KernelPrinter(kernel).print());
  for (const std::string& symbol : kernel.pool().symbol_names()) hasher.add(symbol);
  return hasher.finish();
}

}  // namespace tenon
