#pragma once

// Machine code in memory, from a relocatable ELF object for x86-64:
//
//   auto code = LoadedObject::load(bytes);
//   auto* function = reinterpret_cast<Function*>(code->find("kernel"));
//
// Loading needs nothing of the compiler that made the object, so kernels found in the cache on disk
// start in microseconds.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>

namespace tenon {

class LoadedObject {
 public:
  /// Throws Error(corrupt) where the bytes are not an object this loader understands.
  static std::shared_ptr<const LoadedObject> load(std::span<const std::byte> bytes);
  ~LoadedObject();
  LoadedObject(const LoadedObject&) = delete;
  LoadedObject& operator=(const LoadedObject&) = delete;

  /// The address of a defined symbol, or null.
  void* find(const std::string& symbol) const;

 private:
  friend class ObjectReader;
  LoadedObject() = default;

  std::byte* memory_ = nullptr;
  size_t size_ = 0;
  std::unordered_map<std::string, void*> symbols_;
};

}  // namespace tenon
