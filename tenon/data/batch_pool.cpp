#include "tenon/data/batch_pool.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>

#include "tenon/base/fork_safe_mutex.h"

namespace tenon::data {

/// Memory for one full batch: a buffer for each column.
struct BatchPool::Slot {
  std::vector<Buffer> buffers;
};

struct BatchPool::FreeList {
  ForkSafeMutex mutex;
  std::vector<Slot> slots;
};

/// Held by every column of a batch that is in use; the last one to go frees the slot.
struct BatchPool::Lease {
  Slot slot;
  std::shared_ptr<FreeList> free;

  ~Lease() {
    const std::lock_guard lock(free->mutex);
    free->slots.push_back(std::move(slot));
  }
};

namespace {

/// value / 255 for each byte: a division each would cost as much as the rest of the copy.
const std::array<float, 256>& unit_of_byte() {
  static constexpr auto kTable = [] {
    std::array<float, 256> table{};
    for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i) / 255.0f;
    return table;
  }();
  return kTable;
}

void copy_rows(const Literal& column, std::span<const int64_t> rows, std::byte* out) {
  const size_t bytes = row_bytes(column);
  if (bytes == 0) return;
  for (int64_t row : rows) {
    std::memcpy(out, column.data() + static_cast<size_t>(row) * bytes, bytes);
    out += bytes;
  }
}

void scale_rows(const Literal& column, std::span<const int64_t> rows, float* out) {
  const auto& table = unit_of_byte();
  const size_t bytes = row_bytes(column);
  const uint8_t* data = column.values<uint8_t>().data();
  for (int64_t row : rows) {
    const uint8_t* in = data + static_cast<size_t>(row) * bytes;
    for (size_t i = 0; i < bytes; ++i) *out++ = table[in[i]];
  }
}

}  // namespace

BatchPool::BatchPool(Dataset dataset, int64_t batch, bool scale_bytes)
    : dataset_(std::move(dataset)),
      batch_(std::min(batch, dataset_.size())),  // no batch has more rows, whatever was asked for
      scale_bytes_(scale_bytes),
      free_(std::make_shared<FreeList>()) {}

HostBatch BatchPool::gather(std::span<const int64_t> rows) {
  auto lease = std::make_shared<Lease>();
  lease->free = free_;
  {
    const std::lock_guard lock(free_->mutex);
    if (!free_->slots.empty()) {
      lease->slot = std::move(free_->slots.back());
      free_->slots.pop_back();
    }
  }
  HostBatch batch;
  for (size_t i = 0; i < dataset_.columns().size(); ++i) {
    const auto& [name, values] = dataset_.columns()[i];
    const bool scale = scale_bytes_ && values->dtype() == DType::u8;
    const DType dtype = scale ? DType::f32 : values->dtype();
    std::vector<int64_t> shape = values->shape();
    if (lease->slot.buffers.size() == i) {
      shape[0] = batch_;
      lease->slot.buffers.push_back(Buffer::allocate(dtype, shape));
    }
    void* memory = lease->slot.buffers[i].data();
    if (scale) {
      scale_rows(*values, rows, static_cast<float*>(memory));
    } else {
      copy_rows(*values, rows, static_cast<std::byte*>(memory));
    }
    shape[0] = static_cast<int64_t>(rows.size());
    batch.columns.emplace_back(name, Buffer::borrow(dtype, shape, memory, [lease] {}));
  }
  return batch;
}

}  // namespace tenon::data
