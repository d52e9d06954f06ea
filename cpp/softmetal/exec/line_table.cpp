#include "line_table.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "cache.h"

namespace softmetal {
namespace {

constexpr std::string_view kSource = "program_source";

// Reads little-endian numbers off the front of a text; throws at its end.
class Bytes {
 public:
  explicit Bytes(std::string_view data) : data_(data) {}
  bool empty() const { return data_.empty(); }

  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  uint64_t unsigned_leb() {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = number<uint8_t>();
      if (shift < 64) value |= uint64_t{byte & 0x7fu} << shift;
      if (!(byte & 0x80)) return value;
    }
  }
  int64_t signed_leb() {
    uint64_t value = 0;
    for (unsigned shift = 0;;) {
      const auto byte = number<uint8_t>();
      if (shift < 64) value |= uint64_t{byte & 0x7fu} << shift;
      shift += 7;
      if (byte & 0x80) continue;
      if (shift < 64 && (byte & 0x40)) value |= ~uint64_t{0} << shift;
      return static_cast<int64_t>(value);
    }
  }
  std::string_view text() {
    const size_t end = data_.find('\0');
    if (end == std::string_view::npos) throw std::out_of_range("debug information ends early");
    return take(end + 1).substr(0, end);
  }
  std::string_view take(size_t n) {
    if (n > data_.size()) throw std::out_of_range("debug information ends early");
    const std::string_view front = data_.substr(0, n);
    data_.remove_prefix(n);
    return front;
  }

 private:
  std::string_view data_;
};

std::string_view section(std::string_view file, std::string_view wanted) {
  Bytes start(file);
  const auto header = start.number<Elf64_Ehdr>();
  const auto section_at = [&](size_t i) {
    return Bytes(file.substr(header.e_shoff + i * header.e_shentsize)).number<Elf64_Shdr>();
  };
  const Elf64_Shdr names = section_at(header.e_shstrndx);
  for (size_t i = 0; i < header.e_shnum; ++i) {
    const Elf64_Shdr candidate = section_at(i);
    if (candidate.sh_flags & SHF_COMPRESSED) continue;
    if (Bytes(file.substr(names.sh_offset + candidate.sh_name)).text() == wanted)
      return file.substr(candidate.sh_offset, candidate.sh_size);
  }
  return {};
}

}  // namespace

LineTable::LineTable(const std::string& path) {
  const auto file = read_file(path);
  if (!file) return;
  try {
    read(section(*file, ".debug_line"));
  } catch (const std::out_of_range&) {
    rows_.clear();  // without lines a report still has all else
  }
  // Where a sequence ends another may begin: its rows count, so ends (line 0) stand first.
  std::stable_sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
    return a.address != b.address ? a.address<b.address : (a.line == 0)>(b.line == 0);
  });
}

uint32_t LineTable::line(uint64_t address) const {
  auto after =
      std::upper_bound(rows_.begin(), rows_.end(), address,
                       [](uint64_t wanted, const Row& row) { return wanted < row.address; });
  if (after == rows_.begin()) return 0;
  --after;
  return after->program ? after->line : 0;
}

// Section 6.2 of the DWARF 4 standard.
void LineTable::read(std::string_view debug_line) {
  Bytes units(debug_line);
  while (!units.empty()) {
    const auto length = units.number<uint32_t>();
    Bytes unit(units.take(length));
    const auto version = unit.number<uint16_t>();
    if (version < 2 || version > 4) continue;
    Bytes header(unit.take(unit.number<uint32_t>()));
    const auto minimum_length = header.number<uint8_t>();
    if (version >= 4) header.number<uint8_t>();  // operations per instruction: 1 but for VLIW
    header.number<uint8_t>();                    // default_is_stmt
    const auto line_base = header.number<int8_t>();
    const auto line_range = header.number<uint8_t>();
    const auto opcode_base = header.number<uint8_t>();
    if (line_range == 0) continue;
    std::vector<uint8_t> operands(opcode_base);
    for (unsigned i = 1; i < opcode_base; ++i) operands[i] = header.number<uint8_t>();
    while (!header.text().empty()) {  // folders
    }
    std::vector<bool> is_program = {false};
    for (std::string_view name; !(name = header.text()).empty();) {
      for (int i = 0; i < 3; ++i) header.unsigned_leb();  // folder, time, length
      is_program.push_back(name == kSource);
    }

    uint64_t address = 0, file = 1;
    int64_t line = 1;
    const auto emit = [&](bool end) {
      const bool program = !end && file < is_program.size() && is_program[file];
      rows_.push_back({address, end ? 0 : static_cast<uint32_t>(line), program});
    };
    while (!unit.empty()) {
      const auto opcode = unit.number<uint8_t>();
      if (opcode >= opcode_base) {
        const unsigned adjusted = opcode - opcode_base;
        address += adjusted / line_range * minimum_length;
        line += line_base + static_cast<int>(adjusted % line_range);
        emit(false);
        continue;
      }
      switch (opcode) {
        case 0: {
          Bytes extended(unit.take(unit.unsigned_leb()));
          switch (extended.number<uint8_t>()) {
            case 1:  // end of sequence
              emit(true);
              address = 0, file = 1, line = 1;
              break;
            case 2: address = extended.number<uint64_t>(); break;
            default: break;
          }
          break;
        }
        case 1: emit(false); break;
        case 2: address += unit.unsigned_leb() * minimum_length; break;
        case 3: line += unit.signed_leb(); break;
        case 4: file = unit.unsigned_leb(); break;
        case 8: address += (255u - opcode_base) / line_range * minimum_length; break;
        case 9: address += unit.number<uint16_t>(); break;
        default:
          for (unsigned i = 0; i < operands[opcode]; ++i) unit.unsigned_leb();
      }
    }
  }
}

}  // namespace softmetal
