# cmake -DINPUT=file -DOUTPUT=file -P bytes.cmake: a file as a list of C++ numbers.
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
file(WRITE ${OUTPUT} "${bytes}\n")
