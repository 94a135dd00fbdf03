#include "tenon/tensor/tree.h"

#include "tenon/base/strings.h"

namespace tenon {

namespace {

/// Cuts the first name off a path.
std::string_view next_name(std::string_view& path) {
  size_t dot = path.find('.');
  std::string_view name = path.substr(0, dot);
  path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  return name;
}

}  // namespace

const Tree* Tree::find(std::string_view path) const {
  const Tree* tree = this;
  while (!path.empty() && tree) {
    std::string_view name = next_name(path);
    const Tree* next = nullptr;
    for (const auto& [child_name, child] : tree->children_) {
      if (child_name == name) next = &child;
    }
    tree = next;
  }
  return tree;
}

Tree& Tree::child(std::string_view path) {
  Tree* tree = this;
  while (!path.empty()) {
    std::string_view name = next_name(path);
    Tree* next = nullptr;
    for (auto& [child_name, child] : tree->children_) {
      if (child_name == name) next = &child;
    }
    if (!next) {
      if (tree->is_leaf_)
        fail(ErrorCode::invalid_argument, "tree: '{}' would be below a tensor", name);
      next = &tree->children_.emplace_back(std::string(name), Tree()).second;
    }
    tree = next;
  }
  return *tree;
}

const Tensor& Tree::at(std::string_view path) const {
  const Tree* found = find(path);
  if (found && found->is_leaf_) return found->leaf_;
  std::vector<std::string> known = paths();
  throw make_error(ErrorCode::not_found, "the tree has no tensor '{}'", path)
      .note("{}", hint(path, known));
}

Tensor& Tree::at(std::string_view path) {
  return const_cast<Tensor&>(std::as_const(*this).at(path));
}

Tensor& Tree::operator[](std::string_view path) {
  Tree& tree = child(path);
  if (!tree.children_.empty())
    fail(ErrorCode::invalid_argument, "tree: '{}' is a subtree, not a tensor", path);
  tree.is_leaf_ = true;
  return tree.leaf_;
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
