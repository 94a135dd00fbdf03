#pragma once

//   given: Tree parameters; Tensor images;
//   save_safetensors("model.safetensors", parameters, {{"epoch", "3"}});
//   Tree same = load_safetensors("model.safetensors");      // mapped: read on first use
//   save_npy("images.npy", images);
//   Tensor again = load_npy("images.npy");
//   Tree arrays = load_npz("data.npz");                      // arrays.at("label")

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tenon/tensor/tree.h"

namespace tenon {

struct DLManagedTensor;
struct DLManagedTensorVersioned;

// Tensors in files; npy.h and safetensors.h have the formats for single arrays. Saving evaluates
// pending tensors and replaces an existing file whole or not at all. Names in files are the paths
// of the tree, joined by dots, as in PyTorch and other libraries.

Tensor load_npy(const std::filesystem::path& path);
void save_npy(const std::filesystem::path& path, const Tensor& tensor);

Tree load_npz(const std::filesystem::path& path);
/// Those of these names alone, whatever else is there; Error not_found.
Tree load_npz(const std::filesystem::path& path, const std::vector<std::string>& names);
void save_npz(const std::filesystem::path& path, const Tree& tree, bool compress = true);
template <class T>
void save_npz(const std::filesystem::path& path, const T& tree, bool compress = true) {
  save_npz(path, to_tree(tree), compress);
}

/// The tensors use the mapped file in place: nothing is read before its first use. Meanwhile the
/// file may be replaced by save_safetensors, but not overwritten in place. Tensors of types that
/// Tenon lacks are Error unsupported.
Tree load_safetensors(const std::filesystem::path& path);
/// Those of these names alone, whatever else is there; Error not_found.
Tree load_safetensors(const std::filesystem::path& path, const std::vector<std::string>& names);
void save_safetensors(const std::filesystem::path& path, const Tree& tree,
                      const std::map<std::string, std::string>& metadata = {});

/// Any other tree: `model = load_safetensors("model.safetensors", model)` fills an aggregate with
/// the tensors at its paths, like from_tree; other tensors in the file are ignored.
template <class T>
T load_safetensors(const std::filesystem::path& path, const T& like) {
  return from_tree(load_safetensors(path, leaf_paths(like)), like);
}
template <class T>
void save_safetensors(const std::filesystem::path& path, const T& tree,
                      const std::map<std::string, std::string>& metadata = {}) {
  save_safetensors(path, to_tree(tree), metadata);
}

/// Imports an array of NumPy, PyTorch, JAX …, without a copy if it is row-major. Takes ownership,
/// even if it throws (see dlpack.h).
Tensor from_dlpack(DLManagedTensorVersioned* managed);
Tensor from_dlpack(DLManagedTensor* managed);
/// Evaluates the tensor and lends its memory, read-only; the receiver calls the deleter.
DLManagedTensorVersioned* to_dlpack(const Tensor& tensor);

}  // namespace tenon
