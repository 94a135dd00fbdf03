#include "tenon/data/prefetch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <ranges>
#include <thread>

#include "tenon/base/error.h"
#include "tests/forked.h"

namespace tenon::data {
namespace {

Dataset numbered(int64_t rows) {
  std::vector<int32_t> ids(static_cast<size_t>(rows));
  std::iota(ids.begin(), ids.end(), 0);
  std::vector<uint8_t> pixels(static_cast<size_t>(rows) * 2);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i / 2);
  return Dataset({{"id", Literal::of<int32_t>({rows}, ids)},
                  {"pixels", Literal::of<uint8_t>({rows, 2}, pixels)}});
}

std::vector<int32_t> ids_of(const HostBatch& batch) {
  const Buffer& ids = batch.at("id");
  return {ids.as<int32_t>(), ids.as<int32_t>() + ids.size()};
}

std::vector<std::vector<int32_t>> epoch_of(Prefetcher& batches) {
  std::vector<std::vector<int32_t>> result;
  while (auto batch = batches.next()) result.push_back(ids_of(*batch));
  return result;
}

TEST(EpochOrder, DependsOnSeedAndEpochOnly) {
  const auto order = epoch_order(7, 3, 100);
  EXPECT_EQ(order, epoch_order(7, 3, 100));
  EXPECT_NE(order, epoch_order(7, 4, 100));
  EXPECT_NE(order, epoch_order(8, 3, 100));
  auto sorted = order;
  std::ranges::sort(sorted);
  EXPECT_EQ(sorted, epoch_order(7, 3, 100, /*shuffle=*/false));
}

TEST(Prefetcher, EveryRowOnceAnEpochInTheOrderOfTheEpoch) {
  for (int prefetch : {0, 1, 4}) {
    Prefetcher batches(numbered(10), {.batch = 4, .seed = 5, .prefetch = prefetch});
    EXPECT_EQ(batches.steps_per_epoch(), 3);
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      std::vector<int32_t> all;
      for (const auto& ids : epoch_of(batches)) all.insert(all.end(), ids.begin(), ids.end());
      const auto order = epoch_order(5, epoch, 10);
      EXPECT_TRUE(std::ranges::equal(all, order)) << "epoch " << epoch;
    }
  }
}

TEST(Prefetcher, AChildOfForkGoesOnWhereItsParentWas) {
  TENON_SKIP_WITHOUT_ALLOCATING_CHILDREN();
  for (int prefetch : {0, 1, 4}) {
    auto batches = std::make_unique<Prefetcher>(
        numbered(10), LoaderOptions{.batch = 4, .seed = 5, .prefetch = prefetch});
    for (int64_t step = 0; step < 7; ++step) {
      const auto child = [&] {
        const auto rest = epoch_of(*batches);
        batches.reset();
        const auto order = epoch_order(5, step / 4, 10);
        std::vector<int32_t> all;
        for (const auto& ids : rest) all.insert(all.end(), ids.begin(), ids.end());
        return std::ranges::equal(all, order | std::views::drop(4 * (step % 4))) ? 0 : 1;
      };
      EXPECT_EQ(test::exit_code_of_child(child), 0) << "step " << step;
      const auto next = batches->next();
      EXPECT_EQ(next.has_value(), step % 4 != 3);
    }
  }
}

TEST(Prefetcher, ABatchBeyondTheDataIsAllOfIt) {
  Prefetcher batches(numbered(10), {.batch = int64_t{1} << 60, .shuffle = false});
  for (int epoch = 0; epoch < 2; ++epoch) {
    const auto all = epoch_of(batches);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].size(), 10u);
  }
}

TEST(Prefetcher, TheLastBatchIsSmallerOrLeftOut) {
  Prefetcher all(numbered(10), {.batch = 4, .shuffle = false});
  EXPECT_EQ(epoch_of(all).back(), (std::vector<int32_t>{8, 9}));
  Prefetcher full(numbered(10), {.batch = 4, .shuffle = false, .drop_last = true});
  EXPECT_EQ(epoch_of(full).back(), (std::vector<int32_t>{4, 5, 6, 7}));
}

TEST(Prefetcher, BytesBecomeUnitFloatsUnlessToldOtherwise) {
  Prefetcher scaled(numbered(256), {.batch = 256, .shuffle = false});
  const auto batch = scaled.next();
  const Buffer& pixels = batch->at("pixels");
  EXPECT_EQ(pixels.dtype(), DType::f32);
  EXPECT_EQ(pixels.shape(), (std::vector<int64_t>{256, 2}));
  EXPECT_EQ(pixels.as<float>()[size_t{2} * 51], 51 / 255.0f);
  EXPECT_EQ(pixels.as<float>()[size_t{2} * 255], 1.0f);
  Prefetcher raw(numbered(4), {.batch = 4, .scale_bytes = false});
  EXPECT_EQ(raw.next()->at("pixels").dtype(), DType::u8);
}

TEST(Prefetcher, GoesOnAtAnyPosition) {
  for (int prefetch : {0, 3}) {
    const LoaderOptions options = {.batch = 3, .seed = 1, .prefetch = prefetch};
    Prefetcher whole(numbered(20), options);
    std::vector<std::pair<Position, std::vector<int32_t>>> seen;
    for (int i = 0; i < 20; ++i) {
      const Position here = whole.position();
      if (auto batch = whole.next()) seen.emplace_back(here, ids_of(*batch));
    }
    Prefetcher resumed(numbered(20), options);
    for (const auto& [position, ids] : seen) {
      resumed.seek(position);
      EXPECT_EQ(resumed.position(), position);
      EXPECT_EQ(ids_of(*resumed.next()), ids);
    }
    std::ranges::reverse(seen);
    for (const auto& [position, ids] : seen) {
      whole.seek(position);
      EXPECT_EQ(ids_of(*whole.next()), ids);
    }
    resumed.seek({2, resumed.steps_per_epoch()});
    EXPECT_FALSE(resumed.next().has_value());
    EXPECT_EQ(resumed.position(), (Position{3, 0}));
  }
}

TEST(Prefetcher, MemoryComesBackAndIsNeverSharedWhileInUse) {
  Prefetcher batches(numbered(64), {.batch = 4, .seed = 2, .prefetch = 2});
  std::vector<HostBatch> kept;
  std::vector<std::vector<int32_t>> expected;
  while (auto batch = batches.next()) {  // the user may keep a whole epoch
    expected.push_back(ids_of(*batch));
    kept.push_back(std::move(*batch));
  }
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(ids_of(kept[i]), expected[i]);
  kept.clear();
  std::vector<const void*> places;
  for (int i = 0; i < 100; ++i) {
    if (auto batch = batches.next()) places.push_back(batch->at("id").data());
  }
  std::ranges::sort(places);
  const auto repeated = std::ranges::unique(places);
  EXPECT_LE(places.size() - repeated.size(), 20u);
}

TEST(Prefetcher, ABatchOutlivesItsLoader) {
  std::optional<HostBatch> batch;
  {
    Prefetcher batches(numbered(10), {.batch = 4, .shuffle = false});
    batch = batches.next();
  }
  EXPECT_EQ(ids_of(*batch), (std::vector<int32_t>{0, 1, 2, 3}));
}

TEST(Prefetcher, TransformsDependOnThePositionOnly) {
  const auto draw = [](HostBatch& batch, RandomKey key) {
    batch.at("id").as<int32_t>()[0] = static_cast<int32_t>(random_bits(key, 0));
  };
  std::vector<std::vector<std::vector<int32_t>>> runs;
  for (int prefetch : {0, 4}) {
    Prefetcher batches(numbered(12), {.batch = 3, .prefetch = prefetch, .transform = draw});
    runs.push_back(epoch_of(batches));
    runs.push_back(epoch_of(batches));
  }
  EXPECT_EQ(runs[0], runs[2]);
  EXPECT_EQ(runs[1], runs[3]);
  EXPECT_NE(runs[0], runs[1]);
}

TEST(Prefetcher, AnErrorArrivesInPlaceOfItsBatchAndCanBeTriedAgain) {
  for (int prefetch : {0, 4}) {
    std::atomic<bool> broken = true;
    const auto transform = [&](HostBatch& batch, RandomKey) {
      if (broken && batch.at("id").as<int32_t>()[0] == 6) {
        fail(ErrorCode::io, "the third batch cannot be read");
      }
    };
    Prefetcher batches(
        numbered(12), {.batch = 3, .shuffle = false, .prefetch = prefetch, .transform = transform});
    EXPECT_EQ(ids_of(*batches.next())[0], 0);
    EXPECT_EQ(ids_of(*batches.next())[0], 3);
    for (int i = 0; i < 2; ++i) {
      try {
        batches.next();
        FAIL() << "nothing was thrown";
      } catch (const Error& error) {
        EXPECT_EQ(error.message(), "the third batch cannot be read");
      }
    }
    EXPECT_EQ(batches.position(), (Position{0, 2}));
    broken = false;
    batches.seek(batches.position());
    EXPECT_EQ(ids_of(*batches.next())[0], 6);
  }
}

TEST(Prefetcher, EndsWhileBatchesAreBeingMade) {
  for (int i = 0; i < 50; ++i) {
    Prefetcher batches(numbered(1000), {.batch = 10, .prefetch = 8});
    for (int j = 0; j < i % 4; ++j) batches.next();
  }
}

TEST(Prefetcher, OptionsThatMakeNoBatchAreRefused) {
  for (const auto& options : {LoaderOptions{.batch = 0}, LoaderOptions{.prefetch = -1},
                              LoaderOptions{.batch = 64, .drop_last = true}}) {
    EXPECT_THROW(Prefetcher(numbered(10), options), Error);
  }
  Prefetcher batches(numbered(10), {.batch = 5});
  EXPECT_THROW(batches.seek({0, 3}), Error);
}

}  // namespace
}  // namespace tenon::data
