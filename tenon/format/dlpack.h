#pragma once

//   given: Literal literal; DLManagedTensorVersioned* managed;
//   DLManagedTensorVersioned* out = to_dlpack(std::move(literal));    // for NumPy, PyTorch, JAX
//   DlpackArray in(managed);                 // takes ownership; Error unless it is in host memory
//   in.view();                               // without a copy, when it is contiguous
//   Literal copy = in.copy();                // whatever its strides

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tenon/format/array_view.h"

// The binary interface of dmlc.github.io/dlpack, version 1.0: the same names and layouts as its
// header, so that both may be used in one program through a cast.
namespace tenon {

struct DLPackVersion {
  uint32_t major;
  uint32_t minor;
};

inline constexpr DLPackVersion kDlpackVersion = {1, 0};

/// Values of DLDevice::device_type that are host memory.
inline constexpr int32_t kDLCPU = 1;
inline constexpr int32_t kDLCUDAHost = 3;

struct DLDevice {
  int32_t device_type;
  int32_t device_id;
};

enum DLDataTypeCode : uint8_t { kDLInt = 0, kDLUInt = 1, kDLFloat = 2, kDLBfloat = 4, kDLBool = 6 };

struct DLDataType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
};

struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides;  ///< in elements; null for row-major
  uint64_t byte_offset;
};

/// Before version 1.0: the contents of a capsule named "dltensor".
struct DLManagedTensor {
  DLTensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(DLManagedTensor* self);
};

inline constexpr uint64_t kDlpackReadOnly = 1;
inline constexpr uint64_t kDlpackIsCopied = 2;

/// The contents of a capsule named "dltensor_versioned".
struct DLManagedTensorVersioned {
  DLPackVersion version;
  void* manager_ctx;
  void (*deleter)(DLManagedTensorVersioned* self);
  uint64_t flags;
  DLTensor dl_tensor;
};

/// Exports an array with its ownership; the receiver calls the deleter.
DLManagedTensorVersioned* to_dlpack(Literal literal);
DLManagedTensor* to_dlpack_unversioned(Literal literal);

/// Lends memory that `owner` keeps alive.
DLManagedTensorVersioned* to_dlpack(const ArrayView& view, std::shared_ptr<const void> owner,
                                    bool read_only = false);
DLManagedTensor* to_dlpack_unversioned(const ArrayView& view, std::shared_ptr<const void> owner);

/// An imported array. The constructors take ownership. If they throw (Error unsupported for device
/// memory, vectors of lanes, unknown types and a newer major version; Error corrupt for an invalid
/// shape), the deleter has been called.
class DlpackArray {
 public:
  explicit DlpackArray(DLManagedTensorVersioned* managed);
  explicit DlpackArray(DLManagedTensor* managed);

  DType dtype() const { return dtype_; }
  const std::vector<int64_t>& shape() const { return shape_; }
  bool read_only() const { return read_only_; }
  /// Row-major without gaps, aligned for its element type, and bools that are 0 or 1.
  bool contiguous() const;
  /// The memory itself, as long as this object or `owner()` lives; only if contiguous().
  ArrayView view() const;
  std::shared_ptr<const void> owner() const { return owner_; }
  /// A row-major copy; nonzero bools are true, as in NumPy.
  Literal copy() const;

 private:
  void describe(const DLTensor& tensor);

  std::shared_ptr<const void> owner_;
  const std::byte* data_ = nullptr;
  DType dtype_ = DType::f32;
  std::vector<int64_t> shape_;
  std::vector<int64_t> strides_;
  bool read_only_ = false;
  bool odd_bools_ = false;
};

}  // namespace tenon
