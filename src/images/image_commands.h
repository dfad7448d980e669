// `kpp image ...`: builds image archives without a container engine.
#pragma once

namespace kpp::images {

// argv[0] is "image". `build RECIPE_DIRECTORY... -o ARCHIVE`: one archive with an image a recipe;
// `pause -o ARCHIVE [NAME]`: the pause image of this binary. Answers the exit code.
int image_main(int argc, char** argv);

}  // namespace kpp::images
