#include "tenon/format/dlpack.h"

#include <algorithm>
#include <type_traits>

#include "tenon/format/byte_reader.h"

namespace tenon {

namespace {

// The layouts of the interface on 64-bit machines, as C compilers see dlpack.h.
static_assert(sizeof(DLTensor) == 48 && offsetof(DLTensor, shape) == 24);
static_assert(sizeof(DLManagedTensor) == 64 && offsetof(DLManagedTensor, deleter) == 56);
static_assert(sizeof(DLManagedTensorVersioned) == 80 &&
              offsetof(DLManagedTensorVersioned, dl_tensor) == 32);

DLDataType to_dl(DType dtype) {
  const auto bits = static_cast<uint8_t>(8 * size_of(dtype));
  if (dtype == DType::boolean) return {kDLBool, bits, 1};
  if (dtype == DType::bf16) return {kDLBfloat, bits, 1};
  if (dtype == DType::u8) return {kDLUInt, bits, 1};
  return {is_floating(dtype) ? kDLFloat : kDLInt, bits, 1};
}

DType from_dl(DLDataType type) {
  for (DType dtype : kAllDTypes) {
    const DLDataType known = to_dl(dtype);
    if (known.code == type.code && known.bits == type.bits && type.lanes == 1) return dtype;
  }
  throw make_error(ErrorCode::unsupported,
                   "dlpack: element type with code {}, {} bits and {} lanes is not supported",
                   type.code, type.bits, type.lanes)
      .note("supported: bool, u8, i8, i32, i64, f16, bf16, f32, f64, one lane");
}

/// What an exported array needs for as long as it is lent.
template <typename Managed>
struct Export {
  Managed managed{};
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  std::shared_ptr<const void> owner;
};

template <typename Managed>
Managed* lend(const ArrayView& view, std::shared_ptr<const void> owner) {
  auto lent = std::make_unique<Export<Managed>>();
  lent->shape = view.shape;
  lent->strides.resize(view.shape.size());
  int64_t step = 1;
  for (size_t axis = view.shape.size(); axis-- > 0;) {
    lent->strides[axis] = step;
    step *= std::max<int64_t>(1, view.shape[axis]);
  }
  lent->owner = std::move(owner);
  lent->managed.dl_tensor = {.data = const_cast<std::byte*>(view.bytes.data()),
                             .device = {kDLCPU, 0},
                             .ndim = static_cast<int32_t>(view.shape.size()),
                             .dtype = to_dl(view.dtype),
                             .shape = lent->shape.data(),
                             .strides = lent->strides.data(),
                             .byte_offset = 0};
  lent->managed.manager_ctx = lent.get();
  lent->managed.deleter = [](Managed* self) {
    delete static_cast<Export<Managed>*>(self->manager_ctx);
  };
  return &lent.release()->managed;
}

template <typename Managed>
Managed* give(Literal literal) {
  auto owner = std::make_shared<Literal>(std::move(literal));
  return lend<Managed>(*owner, owner);
}

template <typename Managed>
std::shared_ptr<const void> own(Managed* managed) {
  check(managed != nullptr, "a DLPack array is given, not null");
  return {managed, [](Managed* array) {
            if (array->deleter != nullptr) array->deleter(array);
          }};
}

}  // namespace

DLManagedTensorVersioned* to_dlpack(const ArrayView& view, std::shared_ptr<const void> owner,
                                    bool read_only) {
  auto* managed = lend<DLManagedTensorVersioned>(view, std::move(owner));
  managed->version = kDlpackVersion;
  managed->flags = read_only ? kDlpackReadOnly : 0;
  return managed;
}

DLManagedTensor* to_dlpack_unversioned(const ArrayView& view, std::shared_ptr<const void> owner) {
  return lend<DLManagedTensor>(view, std::move(owner));
}

DLManagedTensorVersioned* to_dlpack(Literal literal) {
  auto* managed = give<DLManagedTensorVersioned>(std::move(literal));
  managed->version = kDlpackVersion;
  return managed;
}

DLManagedTensor* to_dlpack_unversioned(Literal literal) {
  return give<DLManagedTensor>(std::move(literal));
}

DlpackArray::DlpackArray(DLManagedTensorVersioned* managed) : owner_(own(managed)) {
  // With another major version only the fields before this check keep their place.
  if (managed->version.major != kDlpackVersion.major) {
    fail(ErrorCode::unsupported, "dlpack: version {}.{}; version {} is known",
         managed->version.major, managed->version.minor, kDlpackVersion.major);
  }
  read_only_ = (managed->flags & kDlpackReadOnly) != 0;
  describe(managed->dl_tensor);
}

DlpackArray::DlpackArray(DLManagedTensor* managed) : owner_(own(managed)) {
  describe(managed->dl_tensor);
}

void DlpackArray::describe(const DLTensor& tensor) {
  if (tensor.device.device_type != kDLCPU && tensor.device.device_type != kDLCUDAHost) {
    throw make_error(ErrorCode::unsupported, "dlpack: the array is on a device of type {}",
                     tensor.device.device_type)
        .note("hint: copy it to host memory first");
  }
  dtype_ = from_dl(tensor.dtype);
  if (tensor.ndim < 0 || (tensor.ndim > 0 && tensor.shape == nullptr)) {
    fail(ErrorCode::corrupt, "dlpack: {} dimensions without a shape", tensor.ndim);
  }
  shape_.assign(tensor.shape, tensor.shape + tensor.ndim);
  if (!array_bytes(dtype_, shape_)) {
    fail(ErrorCode::corrupt, "dlpack: a dimension is negative or the shape overflows 64 bits");
  }
  if (tensor.strides != nullptr) {
    strides_.assign(tensor.strides, tensor.strides + tensor.ndim);
  } else {
    strides_.resize(shape_.size());
    int64_t step = 1;
    for (size_t axis = shape_.size(); axis-- > 0;) {
      strides_[axis] = step;
      step *= std::max<int64_t>(1, shape_[axis]);
    }
  }
  if (element_count(shape_) > 0 && tensor.data == nullptr) {
    fail(ErrorCode::corrupt, "dlpack: no memory for {} elements", element_count(shape_));
  }
  if (tensor.data != nullptr) {
    data_ = static_cast<const std::byte*>(tensor.data) + tensor.byte_offset;
  }
  if (dtype_ == DType::boolean && contiguous()) {
    // To NumPy a bool is any byte but 0; to C++ others than 0 and 1 are undefined.
    odd_bools_ = std::ranges::any_of(view().bytes, [](std::byte b) { return b > std::byte{1}; });
  }
}

bool DlpackArray::contiguous() const {
  if (odd_bools_) return false;
  if (reinterpret_cast<uintptr_t>(data_) % size_of(dtype_) != 0) return false;
  if (element_count(shape_) == 0) return true;
  int64_t step = 1;
  for (size_t axis = shape_.size(); axis-- > 0;) {
    // The stride of an axis of one element moves nothing.
    if (shape_[axis] != 1 && strides_[axis] != step) return false;
    step *= shape_[axis];
  }
  return true;
}

ArrayView DlpackArray::view() const {
  if (!contiguous()) {
    throw make_error(ErrorCode::invalid_argument,
                     "dlpack: the array is strided and cannot be used in place")
        .note("hint: copy() takes it with any strides");
  }
  return {dtype_, shape_, {data_, *array_bytes(dtype_, shape_)}};
}

Literal DlpackArray::copy() const {
  Literal result = Literal::uninitialized(dtype_, shape_);
  if (contiguous()) {
    std::ranges::copy(view().bytes, result.data());
    return result;
  }
  const auto size = static_cast<int64_t>(size_of(dtype_));
  std::vector<int64_t> index(shape_.size(), 0);
  const std::byte* source = data_;
  std::byte* target = result.data();
  for (int64_t left = result.size(); left > 0; --left) {
    target = std::copy_n(source, size, target);
    for (size_t axis = shape_.size(); axis-- > 0;) {  // the next row-major index
      source += strides_[axis] * size;
      if (++index[axis] < shape_[axis]) break;
      source -= strides_[axis] * shape_[axis] * size;
      index[axis] = 0;
    }
  }
  if (dtype_ == DType::boolean) {
    for (std::byte& b : std::span(result.data(), result.bytes())) {
      b = b == std::byte{0} ? std::byte{0} : std::byte{1};
    }
  }
  return result;
}

}  // namespace tenon
