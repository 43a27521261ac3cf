"""Words that the demonstration data is put together from. No person, pharmacy or product is a real one."""

from __future__ import annotations

from typing import Final

FIRST_NAMES: Final = (
    *("Ana", "João", "Maria", "José", "Antônio", "Francisca", "Luís", "Márcia", "Cláudio", "Patrícia", "Fábio"),
    *("Beatriz", "Inês", "Conceição", "Sebastião", "Thaís", "Vinícius", "Letícia", "Rogério", "Sônia", "Caetano"),
    *("Luíza", "Estêvão", "Mônica", "Águeda", "Íris", "Ângela", "Raíssa", "Zélia", "Otávio", "Graça", "Davi"),
)
LAST_NAMES: Final = (
    *("Silva", "Souza", "Araújo", "Gonçalves", "Conceição", "Magalhães", "Guimarães", "Assunção", "Corrêa", "Brandão"),
    *("Falcão", "Muñoz", "Müller", "D'Ávila", "Sant'Anna", "Nóbrega", "Simões", "Leão", "Paixão", "Queirós", "Vilaça"),
    *("Pereira", "Rocha", "Nakamura", "Takahashi", "Azevêdo", "Barão", "Peçanha", "Mendonça", "Vasconcelos"),
)
PHARMACY_NAMES: Final = (
    *("São João", "Santa Luzia", "Nossa Senhora Aparecida", "Bem-Estar", "Saúde & Cia", "Coração de Minas", "Popular"),
    *("Drogal Norte", "Vitória", "Esperança", "Três Irmãos", "Primeiro de Maio", "Boa Vista", "Pague Certo", "Jatobá"),
    *("Ipê Amarelo", "Sertão", "Beira-Rio", "Praça da Sé", "Maranhão", "Pantanal", "Araucária", "Açaí", "Cajueiro"),
)
MEDICINES: Final = (
    *(
        "Dipirona Sódica",
        "Paracetamol",
        "Amoxicilina",
        "Losartana Potássica",
        "Metformina",
        "Omeprazol",
        "Sinvastatina",
    ),
    *(
        "Ibuprofeno",
        "Azitromicina",
        "Hidroclorotiazida",
        "Captopril",
        "Levotiroxina Sódica",
        "Fluoxetina",
        "Nimesulida",
    ),
    *("Prednisona", "Salbutamol", "Ácido Acetilsalicílico", "Cefalexina", "Clonazepam", "Dexametasona", "Loratadina"),
    *("Vitamina C", "Óleo Mineral", "Soro Fisiológico", "Água Oxigenada", "Protetor Solar FPS 50", "Fralda Geriátrica"),
)
PRESENTATIONS: Final = (
    *("500 mg, 20 comprimidos", "50 mg/ml, 100 ml", "850 mg, 30 comprimidos", "20 mg, 28 cápsulas", "1 g, 10 ampolas"),
    *("creme 30 g", "gotas 20 ml", "spray 200 doses", "suspensão oral 60 ml", "frasco 1 l", "pacote com 8 unidades"),
)
MAKERS: Final = (
    "Laboratório Aurora",
    "Químico Andrade",
    "BioNorte",
    "Farmavida",
    "Gênio Genéricos",
    "Três Rios",
    "Ômega",
)
CITIES: Final = (
    *("São Paulo", "Rio de Janeiro", "Belo Horizonte", "Brasília", "Goiânia", "Florianópolis", "Maceió", "São Luís"),
    *(
        "Belém",
        "Macapá",
        "Cuiabá",
        "Vitória",
        "Uberlândia",
        "Ribeirão Preto",
        "Feira de Santana",
        "Mossoró",
        "Joinville",
    ),
    *("Caxias do Sul", "Juazeiro do Norte", "Pindamonhangaba", "Itaquaquecetuba", "Poços de Caldas", "Xique-Xique"),
)
STATES: Final = (
    *("SP", "RJ", "MG", "DF", "GO", "SC", "AL", "MA", "PA", "AP", "MT", "ES", "BA", "RN", "RS", "CE", "PR", "PE"),
    *("PB", "PI", "SE", "TO", "AC", "AM", "RO", "RR", "MS"),
)
STREETS: Final = (
    *("Rua das Acácias", "Avenida Getúlio Vargas", "Rua XV de Novembro", "Praça da República", "Travessa do Comércio"),
    *("Rua Padre Anchieta", "Avenida Brasil", "Alameda dos Ipês", "Rodovia BR-116, km 12", "Rua Sete de Setembro"),
)
PHRASES: Final = (
    *("Campanha de verão ☀️", "Mês da saúde", "Desafio dos balconistas 🏆", "Promoção relâmpago", "Natal solidário"),
    *("Treinamento: atenção farmacêutica", "Meta de genéricos", "Compre 2, leve 3", "Aniversário da rede 🎉"),
    *("Dia das Mães ❤️", "Operação inverno", "Vacinação 💉", 'Projeto "Farmácia Viva"', "Fidelidade; pontos em dobro"),
    *("Revisão de preços", "Inauguração da nova loja", "Avaliação mensal", "Pedido mínimo", "Orientação ao cliente"),
)
STATUSES: Final = ("aprovada", "pendente", "cancelada", "concluída", "em análise", "devolvida")
ROLES: Final = ("proprietário", "gerente", "farmacêutico", "balconista", "comprador", "consultor", "administrador")
PERMISSIONS: Final = (
    "ver_painel",
    "editar_loja",
    "aprovar_pedido",
    "exportar_dados",
    "gerir_usuários",
    "ver_relatórios",
)
