#include "tenon/format/safetensors.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <tuple>

#include "tenon/base/strings.h"
#include "tenon/format/byte_reader.h"
#include "tenon/format/narrow.h"
#include "tenon/format/safetensors_header.h"

namespace tenon {

namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeader = 100'000'000;  // as the reference implementation
constexpr uint64_t kDataAlignment = 64;

struct TypeName {
  std::string_view name;
  int bits;
  std::optional<DType> dtype;
  Narrow narrow = Narrow::none;
};

// What the format defines; the types without a DType are listed and checked, but not read.
constexpr TypeName kTypes[] = {{"BOOL", 8, DType::boolean},
                               {"U8", 8, DType::u8},
                               {"I8", 8, DType::i8},
                               {"I32", 32, DType::i32},
                               {"I64", 64, DType::i64},
                               {"F16", 16, DType::f16},
                               {"BF16", 16, DType::bf16},
                               {"F32", 32, DType::f32},
                               {"F64", 64, DType::f64},
                               {"F4", 4, {}},
                               {"F6_E2M3", 6, {}},
                               {"F6_E3M2", 6, {}},
                               {"F8_E4M3", 8, {}},
                               {"F8_E5M2", 8, {}},
                               {"F8_E8M0", 8, {}},
                               {"F8_E4M3FNUZ", 8, {}},
                               {"F8_E5M2FNUZ", 8, {}},
                               {"I16", 16, DType::i32, Narrow::i16},
                               {"U16", 16, DType::i32, Narrow::u16},
                               {"U32", 32, DType::i64, Narrow::u32},
                               {"U64", 64, DType::i64, Narrow::u64},
                               {"C64", 64, {}}};

/// Of no bits where the name is not known.
TypeName type_named(std::string_view name) {
  const auto* type = std::ranges::find(kTypes, name, &TypeName::name);
  return type == std::end(kTypes) ? TypeName{name, 0, {}} : *type;
}

std::string_view type_name(DType dtype) {
  return std::ranges::find(kTypes, std::optional(dtype), &TypeName::dtype)->name;
}

std::string text_of(const nlohmann::ordered_json& header, const std::filesystem::path& path) {
  try {
    return header.dump();
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::invalid_argument, "{}: names and metadata must be UTF-8: {}", path.string(),
         error.what());
  }
}

std::optional<uint64_t> size_in_bytes(int bits, std::span<const int64_t> shape) {
  // Counting bits in place of bytes would overflow early, so whole bytes go by array_bytes.
  const auto elements = array_bytes(DType::u8, shape);
  uint64_t total = 0;
  if (!elements || __builtin_mul_overflow(*elements, static_cast<uint64_t>(bits), &total) ||
      total % 8 != 0) {
    return std::nullopt;
  }
  return total / 8;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) {
  auto file = std::make_shared<const MappedFile>(path);
  *this = SafetensorsFile(file->bytes(), path.string());
  file_ = std::move(file);
}

SafetensorsFile::SafetensorsFile(std::span<const std::byte> bytes, std::string_view name)
    : name_(name), bytes_(bytes) {
  ByteReader reader(bytes, name_);
  const auto length = reader.little<uint64_t>("the header length");
  if (length > kMaxHeader || length > reader.remaining()) {
    reader.fail_at(0, "a header of {} bytes, where {} follow: {}", length, reader.remaining(),
                   length > kMaxHeader ? "not a safetensors file" : "the file was cut off");
  }
  const auto text = reader.take(length, "the header");
  SafetensorsHeader header = parse_safetensors_header(
      {reinterpret_cast<const char*>(text.data()), text.size()}, name_, kLengthBytes);
  metadata_ = std::move(header.metadata);

  // The data of all tensors, in order, must cover the rest of the file exactly once.
  std::ranges::sort(header.tensors, {}, [](const auto& tensor) {
    return std::tie(tensor.begin, tensor.end, tensor.at);
  });
  const uint64_t data = reader.offset();
  uint64_t covered = 0;
  for (auto& tensor : header.tensors) {
    // A type of a later version of the format spoils nothing but its own tensors.
    const TypeName type = type_named(tensor.dtype);
    const uint64_t size = tensor.end - tensor.begin;
    const auto wanted = type.bits > 0 ? size_in_bytes(type.bits, tensor.shape) : size;
    if (!wanted || *wanted != size) {
      reader.fail_at(tensor.at, "'{}' has {} bytes of data, but its shape needs {}", tensor.name,
                     size, wanted ? fmt::format("{}", *wanted) : "an impossible number");
    }
    if (tensor.begin != covered) {
      reader.fail_at(tensor.at,
                     "'{}' begins at byte {} of the data, but the previous one ends at {}",
                     tensor.name, tensor.begin, covered);
    }
    if (tensor.end > reader.remaining()) {
      reader.fail_at(data + reader.remaining(),
                     "the file ends within '{}', which needs {} bytes more", tensor.name,
                     tensor.end - reader.remaining());
    }
    covered = tensor.end;
    index_[tensor.name] = tensors_.size();
    tensors_.push_back({.name = std::move(tensor.name),
                        .dtype_name = std::move(tensor.dtype),
                        .dtype = type.dtype,
                        .narrow = type.narrow,
                        .shape = std::move(tensor.shape),
                        .offset = data + tensor.begin,
                        .size = size});
  }
  if (covered != reader.remaining()) {
    reader.fail_at(data + covered, "{} bytes belong to no tensor", reader.remaining() - covered);
  }
}

const SafetensorsEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

const SafetensorsEntry& SafetensorsFile::at(std::string_view name) const& {
  if (const auto* entry = find(name)) return *entry;
  std::vector<std::string> known;
  for (const auto& tensor : tensors_) {
    if (tensor.dtype) known.push_back(tensor.name);  // others cannot be read
  }
  throw make_error(ErrorCode::not_found, "{}: no tensor named '{}'", name_, name)
      .note("{}", hint(name, known));
}

Literal SafetensorsFile::read(const SafetensorsEntry& entry) const {
  if (!entry.dtype) {
    throw make_error(ErrorCode::unsupported, "{}: byte {}: '{}' has element type {}", name_,
                     entry.offset, entry.name, entry.dtype_name)
        .note("supported: BOOL, F16, BF16, F32, F64, integers of 8 to 64 bits");
  }
  Literal result = Literal::uninitialized(*entry.dtype, entry.shape);
  std::ranges::copy(bytes(entry), bytes_in_file(result, entry.narrow).begin());
  widen(result, entry.narrow, fmt::format("{}: '{}'", name_, entry.name));
  if (result.dtype() == DType::boolean) {
    const std::span data(result.data(), result.bytes());
    const auto bad = std::ranges::find_if(data, [](std::byte b) { return b > std::byte{1}; });
    if (bad != data.end()) {
      throw corrupt_at(name_, entry.offset + static_cast<uint64_t>(bad - data.begin()),
                       "'{}' has a bool that is neither 0 nor 1", entry.name);
    }
  }
  return result;
}

Literal SafetensorsFile::map(const SafetensorsEntry& entry) const {
  const bool as_they_lie =
      file_ != nullptr && entry.size > 0 && entry.dtype && entry.narrow == Narrow::none &&
      *entry.dtype != DType::boolean &&
      reinterpret_cast<uintptr_t>(bytes(entry).data()) % size_of(*entry.dtype) == 0;
  if (!as_they_lie) return read(entry);
  return Literal::of_blob(*entry.dtype, entry.shape,
                          Blob::of_file(file_, entry.offset, entry.size));
}

NamedLiterals SafetensorsFile::read_all() const {
  NamedLiterals result;
  for (const auto& entry : tensors_) result.emplace(entry.name, read(entry));
  return result;
}

NamedLiterals read_safetensors(const std::filesystem::path& path) {
  return SafetensorsFile(path).read_all();
}

void write_safetensors(const std::filesystem::path& path, const NamedViews& tensors,
                       const std::map<std::string, std::string>& metadata) {
  // Widest elements first, then by name: each array is aligned without any padding, which the
  // format does not allow.
  std::vector<NamedViews::const_iterator> order;
  for (auto it = tensors.begin(); it != tensors.end(); ++it) order.push_back(it);
  std::ranges::sort(order, {}, [](auto it) {
    return std::pair(-static_cast<int>(size_of(it->second.dtype)), std::string_view(it->first));
  });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t end = 0;
  for (auto it : order) {
    const auto& [name, view] = *it;
    if (name == "__metadata__") {
      fail(ErrorCode::invalid_argument, "safetensors: no tensor may be named '__metadata__'");
    }
    const uint64_t begin = end;
    end += view.bytes.size();
    header[name] = {
        {"dtype", type_name(view.dtype)}, {"shape", view.shape}, {"data_offsets", {begin, end}}};
  }
  std::string text = text_of(header, path);
  text.append((kDataAlignment - (kLengthBytes + text.size()) % kDataAlignment) % kDataAlignment,
              ' ');
  if (text.size() > kMaxHeader) {
    fail(ErrorCode::unsupported, "{}: a header of {} bytes exceeds what readers accept",
         path.string(), text.size());
  }
  std::array<std::byte, kLengthBytes> length;
  for (size_t i = 0; i < kLengthBytes; ++i)
    length[i] = static_cast<std::byte>(text.size() >> 8 * i);

  AtomicFile file(path, kLengthBytes + text.size() + end);
  file.write(length);
  file.write(text);
  for (auto it : order) file.write(it->second.bytes);
  file.commit();
}

}  // namespace tenon
