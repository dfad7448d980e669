# Copies the files of FROM whose content differs from those in TO, so that what did not change is not built again.
file(GLOB files ${FROM}/*)
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  execute_process(COMMAND ${CMAKE_COMMAND} -E copy_if_different ${file} ${TO}/${name})
endforeach()
