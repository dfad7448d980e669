// Sets of completion indexes, as a job's status writes them: "0,2-5".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kpp::controllers {

class IndexSet {
 public:
  // Reads what a status holds; indexes of `completions` and above, and what is no number, are left
  // out.
  static IndexSet parse(std::string_view text, int completions);

  void insert(int index);
  bool contains(int index) const;
  int size() const;
  // How many indexes are in both.
  int common_with(const IndexSet& other) const;
  // Two neighbours are written "3,4", more "3-5".
  std::string to_string() const;

 private:
  std::vector<std::pair<int, int>> ranges_;  // sorted, apart from each other; both ends inside
};

}  // namespace kpp::controllers
