// Which memory the dispatches since the last barrier touch.
//
// Ranges are host addresses, not offsets in a buffer: two buffers may show one page.
#pragma once

#include <cstddef>
#include <vector>

namespace bitmetal::gpu {

struct ByteRange {
  const std::byte* begin;
  const std::byte* end;
};

class Hazards {
 public:
  // Whether a dispatch that touches `range` has to come after one that was added: it reads what
  // that one writes, or writes what that one reads or writes.
  bool conflict(ByteRange range, bool writes) const {
    return overlaps(written_, range) || (writes && overlaps(read_, range));
  }
  void add(ByteRange range, bool writes) { (writes ? written_ : read_).push_back(range); }
  void clear() {
    read_.clear();
    written_.clear();
  }

 private:
  static bool overlaps(const std::vector<ByteRange>& ranges, ByteRange r) {
    for (ByteRange other : ranges) {
      if (other.begin < r.end && r.begin < other.end) return true;
    }
    return false;
  }

  // A command buffer holds a few dozen dispatches: a scan beats any tree.
  std::vector<ByteRange> read_, written_;
};

}  // namespace bitmetal::gpu
