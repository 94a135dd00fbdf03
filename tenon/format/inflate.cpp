#include "tenon/format/inflate.h"

#include <zlib.h>

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/format/byte_reader.h"

namespace tenon {

namespace {

constexpr size_t kMaxChunk = size_t{1} << 30;  // zlib counts in 32 bits

Bytef* zlib_pointer(const std::byte* data) {
  return reinterpret_cast<Bytef*>(const_cast<std::byte*>(data));
}

}  // namespace

struct InflateStream::State {
  z_stream stream{};
  size_t taken = 0;  // compressed bytes handed to zlib
  bool ended = false;
};

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

InflateStream::InflateStream(std::span<const std::byte> compressed, std::string_view name,
                             Kind kind, uint64_t first_offset)
    : compressed_(compressed),
      name_(name),
      kind_(kind),
      first_offset_(first_offset),
      state_(std::make_unique<State>()) {
  const int window_bits = kind == Kind::gzip ? 15 + 16 : -15;
  if (inflateInit2(&state_->stream, window_bits) != Z_OK) {
    fail(ErrorCode::resource_exhausted, "{}: no memory to decompress it", name);
  }
}

InflateStream::~InflateStream() { inflateEnd(&state_->stream); }

size_t InflateStream::read(std::span<std::byte> out) {
  z_stream& stream = state_->stream;
  size_t done = 0;
  while (done < out.size() && !state_->ended) {
    if (stream.avail_in == 0 && state_->taken < compressed_.size()) {
      const size_t chunk = std::min(compressed_.size() - state_->taken, kMaxChunk);
      stream.next_in = zlib_pointer(compressed_.data() + state_->taken);
      stream.avail_in = static_cast<uInt>(chunk);
      state_->taken += chunk;
    }
    const size_t room = std::min(out.size() - done, kMaxChunk);
    stream.next_out = zlib_pointer(out.data() + done);
    stream.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream, Z_NO_FLUSH);
    done += room - stream.avail_out;
    const uint64_t offset = first_offset_ + state_->taken - stream.avail_in;
    if (status == Z_STREAM_END) {
      const bool more =
          kind_ == Kind::gzip && is_gzip({compressed_.data() + state_->taken - stream.avail_in,
                                          static_cast<size_t>(stream.avail_in)});
      if (more) {
        inflateReset(&stream);
      } else {
        state_->ended = true;
        const auto rest = compressed_.subspan(state_->taken - stream.avail_in);
        // Zeros that fill a block behind gzip's data are no damage, as for gzip and Python.
        const bool padding = kind_ == Kind::gzip && std::ranges::all_of(rest, [](std::byte b) {
                               return b == std::byte{0};
                             });
        if (!rest.empty() && !padding) {
          throw corrupt_at(name_, offset, "bytes follow the end of the compressed data");
        }
      }
    } else if (status == Z_BUF_ERROR) {  // no progress: all input is used up
      throw corrupt_at(name_, offset, "the compressed data are cut off");
    } else if (status != Z_OK) {
      throw corrupt_at(name_, offset, "the compressed data are damaged ({})",
                       stream.msg != nullptr ? stream.msg : "no detail");
    }
  }
  position_ += done;
  return done;
}

void InflateStream::read_exactly(std::span<std::byte> out, std::string_view what) {
  const uint64_t start = position_;
  const size_t got = read(out);
  if (got < out.size()) {
    throw corrupt_at(name_, position_,
                     "the unpacked data end within {} ({} bytes from byte {}, {} there)", what,
                     out.size(), start, got);
  }
}

std::vector<std::byte> deflate_bytes(std::span<const std::byte> bytes) {
  z_stream stream{};
  // Level 4: weights hardly compress, and higher levels only take longer to find that out.
  if (deflateInit2(&stream, 4, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    fail(ErrorCode::resource_exhausted, "no memory to compress {} bytes", bytes.size());
  }
  std::vector<std::byte> result(std::max<size_t>(64, bytes.size() / 2));
  size_t taken = 0, done = 0;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    const size_t chunk = std::min(bytes.size() - taken, kMaxChunk);
    if (stream.avail_in == 0 && chunk > 0) {
      stream.next_in = zlib_pointer(bytes.data() + taken);
      stream.avail_in = static_cast<uInt>(chunk);
      taken += chunk;
    }
    if (done == result.size()) result.resize(result.size() * 2);
    const size_t room = std::min(result.size() - done, kMaxChunk);
    stream.next_out = zlib_pointer(result.data() + done);
    stream.avail_out = static_cast<uInt>(room);
    status = deflate(&stream, taken == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
    done += room - stream.avail_out;
  }
  deflateEnd(&stream);
  result.resize(done);
  return result;
}

uint32_t crc32_of(std::span<const std::byte> bytes, uint32_t crc) {
  return static_cast<uint32_t>(crc32_z(crc, zlib_pointer(bytes.data()), bytes.size()));
}

}  // namespace tenon
