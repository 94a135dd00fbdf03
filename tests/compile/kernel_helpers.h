#pragma once

// Running kernels in tests:
//
//   KernelRun run(kernel, {{"n", 100}});
//   run.set<float>("x", values);
//   auto y = run.on(*generator).get<float>("y");

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tenon/compile/codegen/codegen.h"

namespace tenon {

inline CodeGeneratorOptions options_for(CodeGeneratorOptions::Backend backend) {
  CodeGeneratorOptions options;
  options.backend = backend;
  options.cache_directory.clear();
  return options;
}

class KernelRun {
 public:
  KernelRun(const Kernel& kernel, std::map<std::string, int64_t> symbols) : kernel_(kernel) {
    for (const std::string& name : kernel.pool().symbol_names())
      symbols_.push_back(symbols.at(name));
    for (const KernelBuffer& b : kernel.buffers) {
      if (b.role == BufferRole::scratch) continue;
      const auto size =
          static_cast<size_t>(evaluate_index(b.size, symbols_.data())) * size_of(b.dtype);
      data_.emplace_back(size + 64, std::byte{0});
      // Bytes past the end stay as they are.
      std::memset(data_.back().data() + size, 0x5a, 64);
    }
  }

  template <typename T>
  void set(const std::string& buffer, const std::vector<T>& values) {
    if (!values.empty()) std::memcpy(bytes(buffer), values.data(), values.size() * sizeof(T));
  }
  void set_random(uint32_t seed) {
    std::mt19937 random(seed);
    for (size_t i = 0; i < data_.size(); ++i) {
      const DType dtype = kernel_.buffers[i].dtype;
      const size_t count = (data_[i].size() - 64) / size_of(dtype);
      for (size_t e = 0; e < count; ++e) set_element(i, dtype, e, random);
    }
  }

  KernelRun& on(CodeGenerator& generator, int64_t chunk = 1 << 30) {
    const auto compiled = generator.compile(std::span(&kernel_, 1))[0];
    std::vector<void*> pointers;
    for (auto& d : data_) pointers.push_back(d.data());
    const int64_t n = compiled->iterations(symbols_.data());
    for (int64_t begin = 0; begin < n; begin += chunk) {
      compiled->run(pointers.data(), symbols_.data(), begin, std::min(n, begin + chunk));
    }
    return *this;
  }

  template <typename T>
  std::vector<T> get(const std::string& buffer) const {
    const auto& d = data_[index(buffer)];
    std::vector<T> values((d.size() - 64) / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), d.data(), values.size() * sizeof(T));
    return values;
  }
  bool wrote_past_end() const {
    for (const auto& d : data_) {
      for (size_t i = d.size() - 64; i < d.size(); ++i) {
        if (d[i] != std::byte{0x5a}) return true;
      }
    }
    return false;
  }
  const std::vector<std::vector<std::byte>>& data() const { return data_; }

 private:
  size_t index(const std::string& name) const {
    for (size_t i = 0; i < kernel_.buffers.size(); ++i) {
      if (kernel_.buffers[i].name == name) return i;
    }
    throw std::out_of_range("no buffer " + name);
  }
  std::byte* bytes(const std::string& name) { return data_[index(name)].data(); }

  template <typename T>
  void put(size_t buffer, size_t element, T value) {
    std::memcpy(data_[buffer].data() + element * sizeof(T), &value, sizeof(T));
  }
  void set_element(size_t buffer, DType dtype, size_t element, std::mt19937& random) {
    std::normal_distribution<float> normal;
    const float value = normal(random);
    switch (dtype) {
      case DType::boolean:
        put<uint8_t>(buffer, element, random() & 1);
        break;
      case DType::u8:
        put<uint8_t>(buffer, element, static_cast<uint8_t>(random()));
        break;
      case DType::i8:
        put<int8_t>(buffer, element, static_cast<int8_t>(random()));
        break;
      case DType::i32:
        put<int32_t>(buffer, element, static_cast<int32_t>(random() % 201) - 100);
        break;
      case DType::i64:
        put<int64_t>(buffer, element, static_cast<int64_t>(random() % 201) - 100);
        break;
      case DType::f16:
        put<uint16_t>(buffer, element, float_to_f16(value));
        break;
      case DType::bf16:
        put<uint16_t>(buffer, element, float_to_bf16(value));
        break;
      case DType::f32:
        put<float>(buffer, element, value);
        break;
      case DType::f64:
        put<double>(buffer, element, value);
        break;
    }
  }

  Kernel kernel_;
  std::vector<int64_t> symbols_;
  std::vector<std::vector<std::byte>> data_;
};

}  // namespace tenon
