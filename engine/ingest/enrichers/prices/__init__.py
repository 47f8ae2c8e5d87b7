"""From the lines that OCR finds on a picture to its promotional price: :mod:`.lines` puts what stands in one row together,
:mod:`.words` tells what a number is by the words around it, :mod:`.struck` sees what is crossed out, :mod:`.deciding` takes one."""
