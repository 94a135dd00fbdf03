#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tenon/base/log.h"
#include "tenon/base/version.h"
#include "tenon/compile/codegen/emitter_hash.h"
#include "tenon/compile/codegen/object_cache.h"
#include "tests/compile/kernel_helpers.h"

namespace tenon {
namespace {

class CodeCache : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!built_with_llvm()) GTEST_SKIP() << "this build has no LLVM";
    folder = std::filesystem::temp_directory_path() /
             ("tenon_code_cache_" + std::to_string(getpid()) + "_" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder);
    options.cache_directory = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  static Kernel scale(double factor, const std::string& name = "scale") {
    Kernel k(name);
    const Expr n = k.pool().symbol("n");
    const uint32_t x = k.add_buffer({.name = "x", .size = n});
    const uint32_t y = k.add_buffer({.name = "y", .size = n, .role = BufferRole::output});
    const Expr i = k.pool().loop_index("i", n);
    k.body = {parallel_loop(i, LoopKind::vector, {store(y, i, k.load(x, i) * factor)})};
    return k;
  }
  static float result_of(CodeGenerator& generator, const Kernel& k) {
    KernelRun run(k, {{"n", 1}});
    run.set<float>("x", {3.0f});
    return run.on(generator).get<float>("y")[0];
  }

  /// The only object in the folder.
  std::vector<std::byte> entry() const { return *ObjectCache(folder).find(key()); }
  void replace_entry(const std::vector<std::byte>& object) const {
    ObjectCache(folder).store(key(), object);
  }

  std::filesystem::path folder;
  CodeGeneratorOptions options;

 private:
  Hash128 key() const {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() != ".o") continue;
      const std::string hex = entry.path().stem();
      return {std::stoull(hex.substr(16), nullptr, 16),
              std::stoull(hex.substr(0, 16), nullptr, 16)};
    }
    return {};
  }
};

TEST_F(CodeCache, KeepsKernelsInMemoryAndOnDisk) {
  const auto first = make_code_generator(options);
  EXPECT_EQ(result_of(*first, scale(2)), 6.0f);
  EXPECT_EQ(result_of(*first, scale(2, "another name")), 6.0f);
  EXPECT_EQ(result_of(*first, scale(4)), 12.0f);
  EXPECT_EQ(first->statistics().compiled, 2);
  EXPECT_EQ(first->statistics().from_memory, 1);

  const auto second = make_code_generator(options);
  EXPECT_EQ(result_of(*second, scale(4)), 12.0f);
  EXPECT_EQ(second->statistics().compiled, 0);
  EXPECT_EQ(second->statistics().from_disk, 1);
}

TEST_F(CodeCache, DamagedEntriesAreWrittenAnew) {
  EXPECT_EQ(result_of(*make_code_generator(options), scale(2)), 6.0f);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto size = std::filesystem::file_size(entry.path());
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size / 2));
    file.put('!');
  }
  const auto after = make_code_generator(options);
  EXPECT_EQ(result_of(*after, scale(2)), 6.0f);
  EXPECT_EQ(after->statistics().compiled, 1);
  const auto mended = make_code_generator(options);
  EXPECT_EQ(result_of(*mended, scale(2)), 6.0f);
  EXPECT_EQ(mended->statistics().from_disk, 1);
}

TEST_F(CodeCache, TruncatedEntriesAreIgnored) {
  EXPECT_EQ(result_of(*make_code_generator(options), scale(2)), 6.0f);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".o") std::filesystem::resize_file(entry.path(), 40);
  }
  EXPECT_EQ(result_of(*make_code_generator(options), scale(2)), 6.0f);
}

// Whole by their checksum, but nothing that can be linked.
TEST_F(CodeCache, EntriesThatHoldNoKernelAreWrittenAnew) {
  EXPECT_EQ(result_of(*make_code_generator(options), scale(2)), 6.0f);
  const std::vector<std::byte> kernel = entry();
  const std::vector<std::byte> header(kernel.begin(), kernel.begin() + 64);
  const std::vector<std::byte> half(kernel.begin(), kernel.begin() + std::ssize(kernel) / 2);
  for (const auto& damaged :
       {std::vector<std::byte>(), std::vector<std::byte>(100, std::byte{7}), header, half}) {
    replace_entry(damaged);
    const auto after = make_code_generator(options);
    EXPECT_EQ(result_of(*after, scale(2)), 6.0f);
    EXPECT_EQ(after->statistics().compiled, 1) << damaged.size();
    EXPECT_EQ(entry(), kernel);
  }
}

TEST_F(CodeCache, WorksWithoutAFolderItCanWrite) {
  options.cache_directory = "/proc/tenon";
  EXPECT_EQ(result_of(*make_code_generator(options), scale(2)), 6.0f);
}

TEST_F(CodeCache, KernelsOutliveTheirGenerator) {
  const Kernel k = scale(5);
  const auto kernel = make_code_generator(options)->compile(std::span(&k, 1))[0];
  float x = 2, y = 0;
  void* buffers[] = {&x, &y};
  const int64_t n = 1;
  kernel->run(buffers, &n, 0, kernel->iterations(&n));
  EXPECT_EQ(y, 10.0f);
}

TEST_F(CodeCache, ThreadsShareOneGenerator) {
  const auto generator = make_code_generator(options);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&generator, t] {
      for (int i = 1; i < 6; ++i)
        EXPECT_EQ(result_of(*generator, scale(i)), 3.0f * static_cast<float>(i)) << t;
    });
  }
  for (std::thread& t : threads) t.join();
}

/// Calls the function that a kernel is: y = 3 * factor.
float call(const CompiledKernel& kernel) {
  float x = 3, y = 0;
  void* buffers[] = {&x, &y};
  const int64_t n = 1;
  kernel.run(buffers, &n, 0, kernel.iterations(&n));
  return y;
}

TEST_F(CodeCache, CodeIsFreedWithTheLastThatUsesIt) {
  options.recent_kernels = 3;
  const auto generator = make_code_generator(options);
  const Kernel first = scale(1);
  auto kept = generator->compile(std::span(&first, 1))[0];
  for (int i = 2; i < 12; ++i) result_of(*generator, scale(i));
  CacheStatistics code = generator->statistics().code;
  EXPECT_EQ(code.made, 11);
  EXPECT_EQ(code.held, 4);  // those used last, and the one that is held here
  EXPECT_EQ(code.evicted, 7);
  EXPECT_GT(code.bytes, 0);
  EXPECT_EQ(call(*kept), 3.0f);
  kept = nullptr;
  EXPECT_EQ(generator->statistics().code.held, 3);
}

TEST_F(CodeCache, CodeThatIsHeldOrWasUsedLastIsFoundAgain) {
  options.recent_kernels = 2;
  options.cache_directory.clear();
  const auto generator = make_code_generator(options);
  const Kernel held = scale(1);
  const auto kept = generator->compile(std::span(&held, 1))[0];
  for (int i = 2; i < 8; ++i) result_of(*generator, scale(i));
  result_of(*generator, scale(1));
  result_of(*generator, scale(7));
  EXPECT_EQ(generator->statistics().from_memory, 2);
  EXPECT_EQ(generator->statistics().code.hits, 2);
  result_of(*generator, scale(2));
  EXPECT_EQ(generator->statistics().compiled, 8);
}

TEST_F(CodeCache, ThreadsThatUseMoreThanIsKeptGetRightCode) {
  options.recent_kernels = 2;
  const auto generator = make_code_generator(options);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&generator, t] {
      for (int i = 0; i < 60; ++i) {
        const int factor = 1 + (i * (t + 3)) % 7;
        EXPECT_EQ(result_of(*generator, scale(factor)), 3.0f * static_cast<float>(factor));
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_LE(generator->statistics().code.held, 2);
}

TEST_F(CodeCache, KeysTellKernelsProcessorsAndEmittersApart) {
  const Hash128 key = object_key(scale(2), InstructionSet::avx2, emitter_hash());
  EXPECT_EQ(object_key(scale(2, "of another name"), InstructionSet::avx2, emitter_hash()), key);
  EXPECT_NE(object_key(scale(3), InstructionSet::avx2, emitter_hash()), key);
  EXPECT_NE(object_key(scale(2), InstructionSet::avx512, emitter_hash()), key);
  EXPECT_NE(object_key(scale(2), InstructionSet::avx2, "of another build"), key);
  EXPECT_EQ(emitter_hash().size(), 64u);
}

TEST_F(CodeCache, ALimitThatIsNoSizeIsNoError) {
  const auto limit_of = [](const char* text) {
    ::setenv("TENON_CACHE_LIMIT", text, 1);
    const int64_t limit = CodeGeneratorOptions::default_cache_limit();
    ::unsetenv("TENON_CACHE_LIMIT");
    return limit;
  };
  EXPECT_EQ(limit_of("1000"), 1000);
  EXPECT_EQ(limit_of("0"), 0);
  EXPECT_EQ(limit_of("3K"), 3 * 1024);
  EXPECT_EQ(limit_of("200M"), int64_t{200} << 20);
  EXPECT_EQ(limit_of("2G"), int64_t{2} << 30);
  EXPECT_EQ(CodeGeneratorOptions::default_cache_limit(), ObjectCache::kDefaultLimit);
  set_log_sink([](LogLevel, std::string_view) {});
  for (const char* wrong : {"", "-1", "x", "2T", "1M ", "99999999999999999999", "9999999999G"})
    EXPECT_EQ(limit_of(wrong), ObjectCache::kDefaultLimit) << wrong;
  set_log_sink({});
}

}  // namespace
}  // namespace tenon
