#include "tenon/compile/codegen/object_loader.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>

#include <cstring>
#include <limits>
#include <vector>

#include "tenon/base/error.h"

namespace tenon {
namespace {

constexpr size_t kPage = 4096;
/// `jmp *[rip+0]; address`: reaches functions further away than a relative call can.
constexpr size_t kStubSize = 16;
constexpr uint8_t kStubCode[6] = {0xff, 0x25, 0, 0, 0, 0};

size_t round_up(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

class ObjectReader {
 public:
  explicit ObjectReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::shared_ptr<const LoadedObject> run() {
    read_headers();
    place_sections();
    object_->memory_ = static_cast<std::byte*>(
        mmap(nullptr, object_->size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (object_->memory_ == MAP_FAILED) {
      object_->memory_ = nullptr;
      fail(ErrorCode::resource_exhausted, "no memory for {} bytes of generated code",
           object_->size_);
    }
    copy_sections();
    resolve_symbols();
    for (const Elf64_Shdr& section : sections_) {
      if (section.sh_type == SHT_RELA) relocate(section);
    }
    if (mprotect(object_->memory_, object_->size_, PROT_READ | PROT_EXEC) != 0) {
      fail(ErrorCode::unsupported, "this system does not let generated code run: {}",
           std::strerror(errno));
    }
    return object_;
  }

 private:
  template <typename T>
  T read(size_t offset) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) corrupt("is truncated");
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  [[noreturn]] static void corrupt(const char* what) {
    fail(ErrorCode::corrupt, "object file {}", what);
  }

  void read_headers() {
    const auto header = read<Elf64_Ehdr>(0);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64 ||
        header.e_type != ET_REL) {
      corrupt("is not a relocatable object for x86-64");
    }
    for (size_t i = 0; i < header.e_shnum; ++i) {
      sections_.push_back(read<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr)));
      const Elf64_Shdr& s = sections_.back();
      if (s.sh_type != SHT_NOBITS &&
          (s.sh_offset > bytes_.size() || s.sh_size > bytes_.size() - s.sh_offset)) {
        corrupt("has a section beyond its end");
      }
      if (s.sh_size > (size_t{1} << 30) || s.sh_addralign > kPage)
        corrupt("has an impossible section");
    }
    for (size_t i = 0; i < sections_.size(); ++i) {
      if (sections_[i].sh_type == SHT_SYMTAB) symbol_section_ = i;
    }
    if (symbol_section_ == 0) corrupt("has no symbols");
    const Elf64_Shdr& table = sections_[symbol_section_];
    for (size_t i = 0; i < table.sh_size / sizeof(Elf64_Sym); ++i) {
      symbols_.push_back(read<Elf64_Sym>(table.sh_offset + i * sizeof(Elf64_Sym)));
    }
  }

  bool is_loaded(const Elf64_Shdr& s) const {
    return (s.sh_flags & SHF_ALLOC) != 0 && s.sh_type != SHT_X86_64_UNWIND && s.sh_size > 0 &&
           name_at(names_offset(), s.sh_name) != ".eh_frame";
  }
  size_t names_offset() const { return sections_.at(read<Elf64_Ehdr>(0).e_shstrndx).sh_offset; }

  std::string name_at(size_t table, size_t offset) const {
    std::string name;
    for (size_t at = table + offset;; ++at) {
      const char c = read<char>(at);
      if (c == 0) return name;
      name += c;
    }
  }

  void place_sections() {
    size_t size = 0;
    for (const Elf64_Shdr& s : sections_) {
      placed_.push_back(0);
      if (!is_loaded(s)) continue;
      size = round_up(size, std::max<size_t>(s.sh_addralign, 1));
      placed_.back() = size + 1;  // 0 says "not loaded"
      size += s.sh_size;
    }
    stubs_ = round_up(size, kStubSize);
    size_t undefined = 0;
    for (const Elf64_Sym& symbol : symbols_) undefined += symbol.st_shndx == SHN_UNDEF;
    object_->size_ = round_up(stubs_ + undefined * kStubSize, kPage);
  }

  void copy_sections() {
    for (size_t i = 0; i < sections_.size(); ++i) {
      if (placed_[i] == 0 || sections_[i].sh_type == SHT_NOBITS) continue;
      std::memcpy(object_->memory_ + placed_[i] - 1, bytes_.data() + sections_[i].sh_offset,
                  sections_[i].sh_size);
    }
  }

  void resolve_symbols() {
    const size_t link = sections_[symbol_section_].sh_link;
    if (link >= sections_.size()) corrupt("has no symbol names");
    for (const Elf64_Sym& symbol : symbols_) {
      std::byte* address = nullptr;
      const std::string name = name_at(sections_[link].sh_offset, symbol.st_name);
      if (symbol.st_shndx == SHN_UNDEF) {
        if (!name.empty()) address = stub_for(name);
      } else if (symbol.st_shndx < sections_.size() && placed_[symbol.st_shndx] != 0) {
        if (symbol.st_value > sections_[symbol.st_shndx].sh_size)
          corrupt("has a symbol outside its section");
        address = object_->memory_ + placed_[symbol.st_shndx] - 1 + symbol.st_value;
        if (!name.empty()) object_->symbols_[name] = address;
      }
      addresses_.push_back(address);
    }
  }

  std::byte* stub_for(const std::string& name) {
    void* target = dlsym(RTLD_DEFAULT, name.c_str());
    if (!target)
      fail(ErrorCode::unsupported, "generated code calls {}, which this program lacks", name);
    std::byte* stub = object_->memory_ + stubs_;
    stubs_ += kStubSize;
    std::memcpy(stub, kStubCode, sizeof kStubCode);
    std::memcpy(stub + sizeof kStubCode, &target, sizeof target);
    return stub;
  }

  void relocate(const Elf64_Shdr& relocations) {
    const size_t target = relocations.sh_info;
    if (target >= sections_.size() || placed_[target] == 0) return;
    for (size_t i = 0; i < relocations.sh_size / sizeof(Elf64_Rela); ++i) {
      const auto r = read<Elf64_Rela>(relocations.sh_offset + i * sizeof(Elf64_Rela));
      const size_t symbol = ELF64_R_SYM(r.r_info);
      const size_t room = ELF64_R_TYPE(r.r_info) == R_X86_64_64 ? 8 : 4;
      if (symbol >= addresses_.size() || !addresses_[symbol]) corrupt("refers to a missing symbol");
      if (r.r_offset > sections_[target].sh_size || sections_[target].sh_size - r.r_offset < room) {
        corrupt("has a relocation outside its section");
      }
      std::byte* place = object_->memory_ + placed_[target] - 1 + r.r_offset;
      const int64_t value = reinterpret_cast<int64_t>(addresses_[symbol]) + r.r_addend;
      switch (ELF64_R_TYPE(r.r_info)) {
        case R_X86_64_64:
          std::memcpy(place, &value, 8);
          break;
        case R_X86_64_PC32:
        case R_X86_64_PLT32: {
          const int64_t distance = value - reinterpret_cast<int64_t>(place);
          if (distance != static_cast<int32_t>(distance)) corrupt("has a relocation out of reach");
          const auto narrow = static_cast<int32_t>(distance);
          std::memcpy(place, &narrow, 4);
          break;
        }
        default:
          corrupt("has a relocation of an unknown kind");
      }
    }
  }

  std::span<const std::byte> bytes_;
  std::shared_ptr<LoadedObject> object_{new LoadedObject};
  std::vector<Elf64_Shdr> sections_;
  std::vector<size_t> placed_;
  std::vector<Elf64_Sym> symbols_;
  std::vector<std::byte*> addresses_;
  size_t symbol_section_ = 0;
  size_t stubs_ = 0;
};

std::shared_ptr<const LoadedObject> LoadedObject::load(std::span<const std::byte> bytes) {
  return ObjectReader(bytes).run();
}

LoadedObject::~LoadedObject() {
  if (memory_) munmap(memory_, size_);
}

void* LoadedObject::find(const std::string& symbol) const {
  const auto at = symbols_.find(symbol);
  return at == symbols_.end() ? nullptr : at->second;
}

}  // namespace tenon
