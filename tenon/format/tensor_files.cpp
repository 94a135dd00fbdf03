#include "tenon/format/tensor_files.h"

#include <cstring>
#include <memory>

#include "tenon/format/dlpack.h"
#include "tenon/format/npy.h"
#include "tenon/format/safetensors.h"

namespace tenon {

namespace {

ArrayView view_of(const Buffer& buffer) {
  return {buffer.dtype(),
          buffer.shape(),
          {static_cast<const std::byte*>(buffer.data()), buffer.bytes()}};
}

/// A view of each leaf by its path, all of them evaluated in one plan.
NamedViews views_of(const Tree& tree) {
  eval(leaves_of(tree));
  NamedViews views;
  for_each_leaf(tree, [&](const std::string& path, const Tensor& leaf) {
    views.emplace(path, view_of(leaf.buffer()));
  });
  return views;
}

/// A buffer on memory that `owner` keeps alive. Tenon writes only to memory that it owns, so the
/// constness is safe to drop here.
Buffer borrow(const ArrayView& view, std::shared_ptr<const void> owner) {
  return Buffer::borrow(view.dtype, view.shape, const_cast<std::byte*>(view.bytes.data()),
                        [owner = std::move(owner)] {});
}

Tensor adopt(const DlpackArray& array) {
  if (array.contiguous()) return Tensor(borrow(array.view(), array.owner()));
  return Tensor(array.copy());
}

/// Errors then say which file a tensor of the wrong shape is from.
Tensor loaded(Tensor tensor, const std::string& name, const std::filesystem::path& path) {
  return tensor.set_name(name + (name.empty() ? "" : ", ") + "loaded from " + path.string());
}

Tensor tensor_of(const SafetensorsEntry& entry, const SafetensorsFile& file,
                 const std::filesystem::path& path) {
  return loaded(Tensor(file.map(entry)), entry.name, path);
}

}  // namespace

Tensor load_npy(const std::filesystem::path& path) {
  return loaded(Tensor(read_npy(path)), "", path);
}

void save_npy(const std::filesystem::path& path, const Tensor& tensor) {
  write_npy(path, view_of(tensor.buffer()));
}

Tree load_npz(const std::filesystem::path& path) {
  try {
    return load_npz(path, NpzFile(path).names());
  } catch (Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    throw error.note("hint: load_npz(path, names) reads those of the names alone");
  }
}

Tree load_npz(const std::filesystem::path& path, const std::vector<std::string>& names) {
  const NpzFile file(path);
  Tree tree;
  for (const std::string& name : names) tree.set(name, loaded(Tensor(file.read(name)), name, path));
  return tree;
}

void save_npz(const std::filesystem::path& path, const Tree& tree, bool compress) {
  write_npz(path, views_of(tree), {.compress = compress});
}

Tree load_safetensors(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  Tree tree;
  try {
    for (const SafetensorsEntry& entry : file.tensors()) {
      tree.set(entry.name, tensor_of(entry, file, path));
    }
  } catch (Error& error) {
    throw error.note("hint: load_safetensors(path, names) reads those of the names alone");
  }
  return tree;
}

Tree load_safetensors(const std::filesystem::path& path, const std::vector<std::string>& names) {
  const SafetensorsFile file(path);
  Tree tree;
  for (const std::string& name : names) tree.set(name, tensor_of(file.at(name), file, path));
  return tree;
}

void save_safetensors(const std::filesystem::path& path, const Tree& tree,
                      const std::map<std::string, std::string>& metadata) {
  write_safetensors(path, views_of(tree), metadata);
}

Tensor from_dlpack(DLManagedTensorVersioned* managed) { return adopt(DlpackArray(managed)); }
Tensor from_dlpack(DLManagedTensor* managed) { return adopt(DlpackArray(managed)); }

DLManagedTensorVersioned* to_dlpack(const Tensor& tensor) {
  const auto owner = std::make_shared<const Buffer>(tensor.buffer());
  return to_dlpack(view_of(*owner), owner, /*read_only=*/true);
}

}  // namespace tenon
