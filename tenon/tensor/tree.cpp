#include "tenon/tensor/tree.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "tenon/base/strings.h"
#include "tenon/tensor/node.h"

namespace tenon {

namespace {

/// The names of a path one after the other. The root's path is empty and has none.
class Names {
 public:
  explicit Names(std::string_view path) : rest_(path), done_(path.empty()) {}

  bool done() const { return done_; }
  std::string_view next() {
    size_t dot = rest_.find('.');
    std::string_view name = rest_.substr(0, dot);
    done_ = dot == std::string_view::npos;
    if (!done_) rest_.remove_prefix(dot + 1);
    return name;
  }

 private:
  std::string_view rest_;
  bool done_;
};

/// Stands in `tree` at `path`, where there is nothing, until it is set: reading it tells what is
/// near. That is noted now, since the tree may be gone when an error asks.
Tensor absent_tensor(const Tree& root, std::string_view path) {
  constexpr size_t kNear = 100;  // filling a wide tree stays cheap
  const Tree* tree = &root;
  std::string before;
  for (Names names(path); !names.done();) {
    std::string_view name = names.next();
    if (const Tree* next = tree->find(name)) {
      before.append(name) += '.';
      tree = next;
      continue;
    }
    std::vector<std::string> known;
    for (const auto& [known_name, child] : tree->children()) {
      if (known.size() == kNear) break;
      known.push_back(before + known_name);
    }
    return Tensor(detail::absent_node(std::string(path), before.append(name), std::move(known)));
  }
  return Tensor();
}

}  // namespace

const Tree* Tree::child_named(std::string_view name) const {
  if (by_name_.empty()) {
    for (const auto& [child_name, child] : children_) {
      if (child_name == name) return &child;
    }
    return nullptr;
  }
  auto name_of = [&](uint32_t i) -> std::string_view { return children_[i].first; };
  const auto at = std::ranges::lower_bound(by_name_, name, {}, name_of);
  const bool found = at != by_name_.end() && name_of(*at) == name;
  return found ? &children_[*at].second : nullptr;
}

Tree& Tree::add_child(std::string_view name) {
  constexpr size_t kMany = 32;
  const auto place = static_cast<uint32_t>(children_.size());
  Tree& child = children_.emplace_back(std::string(name), Tree()).second;
  auto name_of = [&](uint32_t i) -> std::string_view { return children_[i].first; };
  if (children_.size() == kMany) {
    by_name_.resize(kMany);
    std::iota(by_name_.begin(), by_name_.end(), 0u);
    std::ranges::sort(by_name_, {}, name_of);
  } else if (children_.size() > kMany) {
    by_name_.insert(std::ranges::lower_bound(by_name_, name, {}, name_of), place);
  }
  return child;
}

const Tree* Tree::find(std::string_view path) const& {
  const Tree* tree = this;
  for (Names names(path); !names.done() && tree;) {
    tree = tree->child_named(names.next());
  }
  return tree;
}

Tree& Tree::child(std::string_view path) & {
  Tree* tree = this;
  for (Names names(path); !names.done();) {
    std::string_view name = names.next();
    const Tree* next = tree->child_named(name);
    if (!next && tree->is_leaf_)
      fail(ErrorCode::invalid_argument, "tree: '{}' would be below a tensor", name);
    tree = next ? const_cast<Tree*>(next) : &tree->add_child(name);
  }
  return *tree;
}

const Tensor& Tree::at(std::string_view path) const& {
  const Tree* found = find(path);
  if (found && found->is_leaf_) return found->leaf_;
  std::vector<std::string> known = paths();
  throw make_error(ErrorCode::not_found, "the tree has no tensor '{}'", path)
      .note("{}", detail::nearest_path(path, known));
}

Tensor& Tree::at(std::string_view path) & {
  return const_cast<Tensor&>(std::as_const(*this).at(path));
}

Tensor& Tree::operator[](std::string_view path) & {
  if (const Tree* found = find(path); found && found->is_leaf_)
    return const_cast<Tree*>(found)->leaf_;
  Tensor absent = absent_tensor(*this, path);
  return make_leaf(path) = std::move(absent);
}

Tensor& Tree::make_leaf(std::string_view path) {
  Tree& tree = child(path);
  if (!tree.children_.empty())
    fail(ErrorCode::invalid_argument, "tree: '{}' is a subtree, not a tensor", path);
  tree.is_leaf_ = true;
  return tree.leaf_;
}

const Tensor& detail::replacement(const Tree& tree, const std::string& path, const Tensor& old) {
  const Tensor& found = tree.at(path);
  if (old.has_value() && found.type() != old.type()) {
    Error error = make_error(ErrorCode::type_mismatch, "'{}' is {} in the tree, but {} is expected",
                             path, found.type().to_string(), old.type().to_string());
    // What the tensor is called tells which file it came from.
    if (std::string origin = found.name(); !origin.empty()) error.note("{}", origin);
    throw error;
  }
  return found;
}

std::vector<Tensor> detail::in_order(const std::vector<std::string>& wanted,
                                     const std::vector<std::string>& paths,
                                     std::vector<Tensor> leaves, std::string_view what) {
  if (wanted == paths) return leaves;
  std::map<std::string_view, size_t> places;
  for (size_t i = 0; i < paths.size(); ++i) places.emplace(paths[i], i);
  std::vector<Tensor> ordered;
  for (const std::string& path : wanted) {
    auto place = places.find(path);
    if (place == places.end()) {
      throw make_error(ErrorCode::invalid_argument, "{}: there is no '{}'", what, path)
          .note("{}", detail::nearest_path(path, paths));
    }
    ordered.push_back(leaves[place->second]);
    places.erase(place);
  }
  if (!places.empty()) {
    throw make_error(ErrorCode::invalid_argument, "{}: '{}' is one too many", what,
                     places.begin()->first)
        .note("expected: {}", join(wanted, ", "));
  }
  return ordered;
}

size_t Tree::leaf_count() const {
  size_t count = 0;
  for_each_leaf(*this, [&](const Tensor&) { ++count; });
  return count;
}

std::vector<std::string> Tree::paths() const { return leaf_paths(*this); }

std::string Tree::to_string() const {
  size_t width = 0;
  for (const std::string& path : paths()) width = std::max(width, path.size());
  std::string text;
  for_each_leaf(*this, [&](const std::string& path, const Tensor& leaf) {
    std::string type = leaf.has_value() ? leaf.type().to_string() : "no value";
    text += path + std::string(width - path.size() + 2, ' ') + type + '\n';
  });
  return text;
}

}  // namespace tenon
