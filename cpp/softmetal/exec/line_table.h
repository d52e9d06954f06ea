// Which line of the program an address in compiled code belongs to: the line table of DWARF 4, read
// from the file, so that no tool has to be there when a report is made.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace softmetal {

class LineTable {
 public:
  // Of an ELF file. Empty when it has none that can be read.
  explicit LineTable(const std::string& path);

  // The line in the file called `source` at an address in the file; 0 when it belongs to another.
  uint32_t line(uint64_t address) const;

 private:
  struct Row {
    uint64_t address;
    uint32_t line;
    bool program;  // in the MSL source, not in the standard library
  };
  void read(std::string_view debug_line);
  std::vector<Row> rows_;  // by address
};

}  // namespace softmetal
