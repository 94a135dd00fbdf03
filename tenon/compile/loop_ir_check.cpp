#include <algorithm>
#include <unordered_set>

#include "tenon/base/error.h"
#include "tenon/compile/loop_ir.h"

namespace tenon {
namespace {

bool loads_from(Expr e, const std::vector<uint32_t>& buffers, std::unordered_set<ExprId>& seen) {
  if (!seen.insert(e.id()).second) return false;
  const ExprNode& n = e.node();
  if (n.op == ExprOp::load && std::find(buffers.begin(), buffers.end(), n.aux) != buffers.end())
    return true;
  for (int i = 0; i < n.operand_count(); ++i) {
    if (loads_from(e.operand(i), buffers, seen)) return true;
  }
  return false;
}

bool loads_from(Expr e, const std::vector<uint32_t>& buffers) {
  std::unordered_set<ExprId> seen;
  return loads_from(e, buffers, seen);
}

class Verifier {
 public:
  explicit Verifier(const Kernel& kernel) : kernel_(kernel) {}

  void run() {
    for (const KernelBuffer& b : kernel_.buffers)
      require(b.size.valid() && b.size.dtype() == DType::i64, "a buffer without a size");
    block(kernel_.body, true);
    sharing(kernel_.body);
  }

 private:
  /// No input may be read by a statement that comes after one which may have written over it.
  void sharing(const Block& statements) {
    for (size_t i = 0; i < statements.size(); ++i) {
      if (std::holds_alternative<Store>(statements[i].what)) {
        const size_t end = store_run_end(statements, i);
        for (size_t k = i; k < end; ++k) {
          const auto& s = std::get<Store>(statements[k].what);
          not_written_over(s.offset);
          not_written_over(s.value);
        }
        for (; i < end; ++i) {
          const auto& shared =
              kernel_.buffers[std::get<Store>(statements[i].what).buffer].may_share;
          written_over_.insert(written_over_.end(), shared.begin(), shared.end());
        }
        --i;
        continue;
      }
      if (const auto* l = std::get_if<Loop>(&statements[i].what)) {
        not_written_over(l->extent);
        sharing(l->body);
      }
      if (const auto* d = std::get_if<Declare>(&statements[i].what)) not_written_over(d->initial);
      if (const auto* u = std::get_if<Update>(&statements[i].what)) {
        not_written_over(u->element);
        not_written_over(u->value);
      }
      if (const auto* c = std::get_if<If>(&statements[i].what)) {
        not_written_over(c->condition);
        sharing(c->body);
      }
    }
  }
  void not_written_over(Expr e) const {
    require(written_over_.empty() || !loads_from(e, written_over_),
            "an input is read after a store that may share its memory");
  }

  void require(bool condition, std::string_view what) const {
    if (!condition) fail(ErrorCode::internal, "kernel {}: {}", kernel_.name, what);
  }

  void block(const Block& statements, bool outermost) {
    const auto before = declared_;
    for (const Statement& s : statements) {
      std::visit([&](const auto& what) { statement(what, outermost && statements.size() == 1); },
                 s.what);
    }
    declared_ = before;
  }

  void statement(const Loop& l, bool outermost) {
    require(!l.parallel || outermost, "only the outermost loop is parallel");
    require(l.kind != LoopKind::unroll || l.extent.is_constant(),
            "an unrolled loop has a constant extent");
    require(l.kind != LoopKind::vector || !in_vector_, "a vector loop inside a vector loop");
    expression(l.extent, DType::i64);
    require(open_.insert(l.index.id()).second, "a loop variable used twice");
    const bool was_in_vector = in_vector_;
    const auto outside = outside_vector_;
    if (l.kind == LoopKind::vector) {
      in_vector_ = true;
      outside_vector_ = declared_;
    }
    block(l.body, false);
    in_vector_ = was_in_vector;
    outside_vector_ = outside;
    open_.erase(l.index.id());
  }
  void statement(const Store& s, bool) {
    require(s.buffer < kernel_.buffers.size(), "a store to no buffer");
    require(kernel_.buffers[s.buffer].role != BufferRole::input, "a store to an input");
    expression(s.offset, DType::i64);
    expression(s.value, kernel_.buffers[s.buffer].dtype);
  }
  void statement(const Declare& d, bool) {
    require(d.local < kernel_.locals.size(), "a declaration of no local");
    expression(d.initial, kernel_.locals[d.local].dtype);
    declared_.insert(d.local);
  }
  void statement(const Update& u, bool) {
    require(declared_.contains(u.local), "an update of a local that is not declared");
    require(!in_vector_ || !outside_vector_.contains(u.local) || u.combine != Combine::assign,
            "a vector loop assigns to a local declared outside it");
    expression(u.element, DType::i64);
    expression(u.value, kernel_.locals[u.local].dtype);
  }
  void statement(const If& i, bool) {
    expression(i.condition, DType::boolean);
    block(i.body, false);
  }

  void expression(Expr e, DType dtype) {
    require(e.valid() && &e.pool() == &kernel_.pool(), "an expression of another pool");
    if (e.dtype() != dtype) {
      fail(ErrorCode::internal, "kernel {}: {} where {} is needed", kernel_.name,
           name_of(e.dtype()), name_of(dtype));
    }
    std::unordered_set<ExprId> seen;
    walk(e, seen);
  }

  void walk(Expr e, std::unordered_set<ExprId>& seen) {
    if (!seen.insert(e.id()).second) return;
    const ExprNode& n = e.node();
    if (n.op == ExprOp::loop_index)
      require(open_.contains(e.id()), "a loop variable outside its loop");
    if (n.op == ExprOp::argument) require(false, "an argument of an op definition");
    if (n.op == ExprOp::local)
      require(declared_.contains(n.aux), "a local read before it is declared");
    if (n.op == ExprOp::load) {
      require(n.aux < kernel_.buffers.size(), "a load from no buffer");
      require(n.dtype == kernel_.buffers[n.aux].dtype, "a load of another type than its buffer's");
    }
    for (int i = 0; i < n.operand_count(); ++i) walk(e.operand(i), seen);
  }

  const Kernel& kernel_;
  std::unordered_set<ExprId> open_;
  std::unordered_set<uint32_t> declared_;
  std::unordered_set<uint32_t> outside_vector_;
  bool in_vector_ = false;
  std::vector<uint32_t> written_over_;
};

/// Copies a block with one loop variable replaced and inner unrolled loops written out.
class Unroller {
 public:
  Block run(const Block& block) {
    Block result;
    for (const Statement& s : block) {
      std::visit([&](const auto& what) { append(what, result); }, s.what);
    }
    return result;
  }

 private:
  void append(const Loop& l, Block& out) {
    if (l.kind != LoopKind::unroll) {
      Loop copy = l;
      copy.extent = at(l.extent);
      copy.body = run(l.body);
      out.push_back({std::move(copy)});
      return;
    }
    for (int64_t i = 0; i < *l.extent.as_integer(); ++i) {
      bound_.emplace_back(l.index, l.index.pool().index(i));
      for (Statement& s : run(l.body)) out.push_back(std::move(s));
      bound_.pop_back();
    }
  }
  void append(const Store& s, Block& out) {
    out.push_back({Store{s.buffer, at(s.offset), at(s.value), s.combine}});
  }
  void append(const Declare& d, Block& out) { out.push_back({Declare{d.local, at(d.initial)}}); }
  void append(const Update& u, Block& out) {
    out.push_back({Update{u.local, at(u.element), at(u.value), u.combine}});
  }
  void append(const If& i, Block& out) {
    const Expr condition = at(i.condition);
    if (const auto known = condition.as_integer(); known && !*known) return;
    out.push_back({If{condition, run(i.body)}});
  }

  Expr at(Expr e) const {
    for (const auto& [index, value] : bound_) e = substitute(e, index, value);
    return e;
  }

  std::vector<std::pair<Expr, Expr>> bound_;
};

bool has_unrolled(const Block& block) {
  for (const Statement& s : block) {
    if (const auto* l = std::get_if<Loop>(&s.what)) {
      if (l->kind == LoopKind::unroll || has_unrolled(l->body)) return true;
    } else if (const auto* i = std::get_if<If>(&s.what)) {
      if (has_unrolled(i->body)) return true;
    }
  }
  return false;
}

}  // namespace

size_t store_run_end(const Block& statements, size_t first) {
  std::vector<uint32_t> written;
  size_t i = first;
  for (; i < statements.size(); ++i) {
    const Store* s = std::get_if<Store>(&statements[i].what);
    if (!s) break;
    const bool seen = std::find(written.begin(), written.end(), s->buffer) != written.end();
    const bool reads = s->combine != Combine::assign && seen;
    if (i > first && (reads || loads_from(s->value, written) || loads_from(s->offset, written)))
      break;
    written.push_back(s->buffer);
  }
  return i;
}

void verify(const Kernel& kernel) { Verifier(kernel).run(); }

Kernel unroll(const Kernel& kernel) {
  Kernel result = kernel.clone();
  if (has_unrolled(result.body)) result.body = Unroller().run(result.body);
  return result;
}

}  // namespace tenon
