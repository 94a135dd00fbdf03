#include "tenon/base/blob.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "tenon/base/error.h"
#include "tenon/base/files.h"

namespace tenon {
namespace {

std::shared_ptr<Blob> filled(size_t bytes, char value) {
  std::shared_ptr<Blob> blob = Blob::allocate(bytes);
  std::memset(blob->data(), value, bytes);
  return blob;
}

TEST(Blob, IsAlignedWhateverItsSize) {
  for (size_t bytes : {1, 8, 63, 64, 65, 4096, 100'000}) {
    const std::shared_ptr<Blob> blob = filled(bytes, 1);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(blob->data()) % kBufferAlignment, 0u);
    EXPECT_EQ(blob->bytes(), bytes);
  }
}

TEST(Blob, RemembersItsHashOnceSealed) {
  const std::shared_ptr<Blob> blob = filled(1 << 20, 7);
  const Hash128 before = blob->content_hash();
  blob->data()[5] = std::byte{8};
  EXPECT_NE(blob->content_hash(), before);
  blob->seal();
  const Hash128 hash = blob->content_hash();
  const int64_t read = blob_statistics().hashed_bytes;
  EXPECT_EQ(blob->content_hash(), hash);
  EXPECT_EQ(blob_statistics().hashed_bytes, read);
}

TEST(Blob, EqualOnesAreHeldOnce) {
  const CacheStatistics before = shared_blob_statistics();
  std::shared_ptr<Blob> a = share_equal(filled(50'000, 3));
  const std::shared_ptr<Blob> b = share_equal(filled(50'000, 3));
  const std::shared_ptr<Blob> other = share_equal(filled(50'001, 3));
  EXPECT_EQ(a, b);
  EXPECT_EQ(share_equal(a), a);
  EXPECT_NE(a->data(), other->data());
  EXPECT_EQ(shared_blob_statistics().held - before.held, 2);
  EXPECT_EQ(shared_blob_statistics().bytes - before.bytes, 100'001);
  a.reset();
  EXPECT_EQ(shared_blob_statistics().held - before.held, 2);
}

TEST(Blob, ThreadsThatShareAtOnceGetOne) {
  const CacheStatistics before = shared_blob_statistics();
  for (int round = 0; round < 50; ++round) {
    std::vector<std::shared_ptr<Blob>> blobs(4);
    std::vector<std::thread> threads;
    for (auto& blob : blobs)
      threads.emplace_back(
          [&blob, round] { blob = share_equal(filled(5000, static_cast<char>(round))); });
    for (std::thread& thread : threads) thread.join();
    for (const auto& blob : blobs) EXPECT_EQ(blob, blobs[0]);
  }
  EXPECT_EQ(shared_blob_statistics().held, before.held);
  EXPECT_EQ(shared_blob_statistics().bytes, before.bytes);
}

TEST(Blob, PartsOfAFileKeepItMapped) {
  const auto path = std::filesystem::temp_directory_path() / "tenon_blob_test.bin";
  std::ofstream(path) << "0123456789";
  auto file = std::make_shared<const MappedFile>(path);
  std::shared_ptr<Blob> part = Blob::of_file(file, 4, 3);
  EXPECT_THROW(Blob::of_file(file, 4, 7), Error);
  EXPECT_THROW(Blob::of_file(file, UINT64_MAX, 1), Error);
  file.reset();
  std::filesystem::remove(path);
  EXPECT_EQ(std::memcmp(part->data(), "456", 3), 0);
  EXPECT_TRUE(part->is_sealed());
  EXPECT_EQ(blob_statistics().mapped_bytes, 3);
  part.reset();
  EXPECT_EQ(blob_statistics().mapped_bytes, 0);
}

}  // namespace
}  // namespace tenon
