#include "tenon/nn/model_function.h"

#include "tenon/base/error.h"
#include "tenon/base/strings.h"

namespace tenon::nn {

const Tensor& detail::only_tensor(const Tree& tree, const char* what) {
  const Tree* one = &tree;
  while (!one->is_leaf() && one->children().size() == 1) one = &one->children().front().second;
  if (one->is_leaf()) return one->leaf();
  throw make_error(ErrorCode::shape_mismatch, "the model {} one tensor, here are {}", what,
                   tree.empty() ? "none" : join(tree.paths(), ", "))
      .note("hint: a model of several is a function of a Tree or of an aggregate of tensors");
}

Tree tree_of(const Signature& signature, std::vector<Tensor> tensors) {
  if (signature.size() == 1 && signature.front().name.empty()) return Tree(tensors.at(0));
  Tree tree;
  for (size_t i = 0; i < signature.size(); ++i)
    tree.set(signature[i].name, std::move(tensors.at(i)));
  return tree;
}

namespace {

Variables made(const ModelFunction& model, const Signature& inputs, uint64_t seed,
               bool only_types) {
  std::vector<Type> types;
  for (const NamedType& input : inputs) types.push_back(input.type);
  return detail::initialised(
      [&](const Scope& s, std::vector<Tensor> leaves) {
        return leaves_of(model(s, tree_of(inputs, std::move(leaves))));
      },
      types, seed, only_types);
}

}  // namespace

Variables init(const ModelFunction& model, const Signature& inputs, uint64_t seed) {
  return made(model, inputs, seed, false);
}

Variables declare(const ModelFunction& model, const Signature& inputs) {
  return made(model, inputs, 0, true);
}

}  // namespace tenon::nn
