// Replaces pieces of a text, keeping every line where it is.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace softmetal::msl {

// Replacements may be added in any order. One that lies in another, earlier added one is dropped.
// Insertions at one offset come out in the order in which they were added.
class Edits {
 public:
  explicit Edits(std::string_view source) : source_(source) {}

  void replace(size_t offset, size_t length, std::string text) {
    edits_.push_back({offset, length, std::move(text)});
    sorted_ = false;
  }
  void insert(size_t offset, std::string text) { replace(offset, 0, std::move(text)); }

  // Spaces for all characters but line ends, so that what follows keeps its line and column.
  void blank(size_t offset, size_t length) {
    std::string text(source_.substr(offset, length));
    for (char& c : text)
      if (c != '\n') c = ' ';
    replace(offset, length, std::move(text));
  }

  // Source [begin, end) with the edits that lie in it.
  std::string apply(size_t begin, size_t end) {
    if (!sorted_) {
      std::stable_sort(edits_.begin(), edits_.end(), [](const Edit& a, const Edit& b) {
        return a.offset != b.offset ? a.offset<b.offset : (a.length == 0)>(b.length == 0);
      });
      sorted_ = true;
    }
    const auto first =
        std::lower_bound(edits_.begin(), edits_.end(), begin,
                         [](const Edit& e, size_t offset) { return e.offset < offset; });
    std::string out;
    size_t at = begin;
    for (auto edit = first; edit != edits_.end() && edit->offset < end; ++edit) {
      if (edit->offset < at) continue;
      out += source_.substr(at, edit->offset - at);
      out += edit->text;
      at = edit->offset + edit->length;
    }
    if (at < end) out += source_.substr(at, end - at);
    return out;
  }

 private:
  struct Edit {
    size_t offset;
    size_t length;
    std::string text;
  };
  std::string_view source_;
  std::vector<Edit> edits_;
  bool sorted_ = true;
};

}  // namespace softmetal::msl
