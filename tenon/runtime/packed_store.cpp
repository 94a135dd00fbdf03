#include "tenon/runtime/packed_store.h"

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/base/weak_store.h"

namespace tenon {

namespace {

using Store = WeakStore<const PackedOperand>;

Store& packed_operands() {
  static constinit MadeOnce<Store> store;
  return store.get([] { return new Store; });
}

}  // namespace

std::shared_ptr<const PackedOperand> packed_operand(const Literal& operand,
                                                    const Packing& packing) {
  operand.seal();
  Hasher hasher;
  hasher.add(operand.content_hash()).add(operand.bytes()).add(packing.layout).add(packing.bytes);
  const Hash128 key = hasher.finish();
  const auto is_it = [&](const PackedOperand& known) {
    return known.source.blob()->equals(*operand.blob());
  };
  // Hashes of other bytes could be made to be equal: then it is packed again, for this kernel
  // alone.
  const std::shared_ptr<const PackedOperand> known = packed_operands().find(key);
  if (known && is_it(*known)) return known;
  auto made = std::make_shared<PackedOperand>();
  made->source = operand;
  made->memory = Blob::allocate(packing.bytes);
  if (!made->memory) {
    fail(ErrorCode::resource_exhausted, "cannot allocate {} for {}, packed for a kernel",
         format_bytes(packing.bytes), operand.type().to_string());
  }
  packing.pack(operand.data(), made->memory->data());
  made->memory->seal();
  if (known) return made;
  std::shared_ptr<const PackedOperand> shared = packed_operands().add(key, made, packing.bytes);
  return is_it(*shared) ? shared : made;
}

CacheStatistics packed_operand_statistics() { return packed_operands().statistics(); }

}  // namespace tenon
