An address may bring any program.

-- Procfile --
web: board --serve
-- requirements.txt --
git+https://git.example.org/board.git
